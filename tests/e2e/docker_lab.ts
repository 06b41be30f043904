/** Jobs of the compiled executable in containers of a real engine. */

import { expect } from "bun:test";
import { shortToken } from "../../core/util/token.ts";
import { connectEngine, type Engine, type Labels } from "../../executors/docker/engine/mod.ts";
import {
  bridgeAddress,
  makeImage,
  type TestEngine,
  useEngine,
} from "../executors/docker/dockerd.ts";
import { eventually, Lab, type LabOptions } from "./lab.ts";

export { missingForDocker } from "../executors/docker/dockerd.ts";

export interface DockerLabOptions extends LabOptions {
  /** `docker`, unless another one that works with an engine. */
  readonly executor?: string;
  /** TOML lines of `[runners.docker]`; `image` has bash and git. */
  readonly docker?: readonly string[];
  /** Instead of the machine's, or one that is started for this lab. */
  readonly engine?: TestEngine;
}

/** What the engine has of the jobs of one runner entry. */
export interface EngineObjects {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}

export class DockerLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly engine: Engine;
  /** For `host` of a configuration and for `DOCKER_HOST`. */
  readonly host: string;
  /** Has bash and git. */
  readonly image: string;
  readonly #disposal: AsyncDisposableStack;

  static async open(options: DockerLabOptions = {}): Promise<DockerLab> {
    await using stack = new AsyncDisposableStack();
    const { host } = options.engine ?? stack.use(await useEngine("machine"));
    const engine = stack.use(connectEngine({ host, env: {} }));
    const { docker = [], entry = [], engine: _engine, ...rest } = options;
    const image = await makeImage("git.sh", host);
    // A given engine is in a network of its own.
    const hostname = options.engine === undefined ? { hostname: bridgeAddress() } : {};
    const given = docker.join("\n");
    const lab = await Lab.open({
      ...rest,
      coordinator: { ...hostname, ...rest.coordinator },
      entry: [
        `executor = "${options.executor ?? "docker"}"`,
        ...entry,
        "[runners.docker]",
        `host = "${host}"`,
        ...(/^image =/m.test(given) ? [] : [`image = "${image}"`]),
        `helper_image = "${image}"`,
        ...(/^pull_policy =/m.test(given) ? [] : ['pull_policy = "never"']),
        ...docker,
      ],
    });
    const token = shortToken(lab.runner.token);
    stack.defer(async () => {
      await lab[Symbol.asyncDispose]();
      await removeVolumes(engine, { [RUNNER_LABEL]: token });
    });
    return new DockerLab(lab, { engine, host, image, token }, stack.move());
  }

  readonly #token: string;

  private constructor(
    lab: Lab,
    where: { engine: Engine; host: string; image: string; token: string },
    disposal: AsyncDisposableStack,
  ) {
    this.lab = lab;
    this.engine = where.engine;
    this.host = where.host;
    this.image = where.image;
    this.#token = where.token;
    this.#disposal = disposal;
  }

  /** What is there now of this lab's jobs. */
  async objects(): Promise<EngineObjects> {
    const labels = { [RUNNER_LABEL]: this.#token };
    const its = { signal: AbortSignal.timeout(30_000) };
    const [containers, volumes, networks] = await Promise.all([
      this.engine.listContainers({ labels, all: true }, its),
      this.engine.listVolumes(labels, its),
      this.engine.listNetworks(labels, its),
    ]);
    return {
      containers: containers.map(({ name }) => name),
      volumes: volumes.map(({ name }) => name),
      networks: networks.map(({ id }) => id),
    };
  }

  /** Within seconds all that jobs have left is volumes that the next ones use; their number. */
  async onlyCachesLeft(): Promise<number> {
    const isLasting = (name: string) => /^runner-[0-9a-f]{32}-cache-[0-9a-f]{32}$/.test(name);
    const others = async () => {
      const { containers, networks, volumes } = await this.objects();
      return [...containers, ...networks, ...volumes.filter((name) => !isLasting(name))];
    };
    await eventually(async () => (await others()).length === 0, "the end of clean-up", 30_000)
      .catch(() => {});
    expect(await others()).toEqual([]);
    return (await this.objects()).volumes.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposal.disposeAsync();
  }
}

const RUNNER_LABEL = "com.gitlab.gitlab-runner.runner.id";

async function removeVolumes(engine: Engine, labels: Labels): Promise<void> {
  const its = { signal: AbortSignal.timeout(30_000) };
  for (const { name } of await engine.listVolumes(labels, its)) {
    await engine.removeVolume(name, its);
  }
}
