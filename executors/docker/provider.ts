/** The executor `docker`: jobs run in containers of a Docker Engine. */

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { RunnerConfig } from "../../core/config/schema.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type {
  ExecutorHost,
  ExecutorInfo,
  ExecutorNote,
  ExecutorProvider,
} from "../../core/executor.ts";
import type { Engine } from "./engine/mod.ts";
import { EngineLinks } from "./engine_link.ts";
import { DockerExecutor } from "./executor.ts";
import { HELPER_COMMAND } from "./helper/mod.ts";
import { helperEnvironment } from "./images/mod.ts";
import { jobFacts } from "./job_facts.ts";
import type { ManagerIdentity } from "./names.ts";
import { reapDeadManagers, removeJob } from "./reaper.ts";
import { connectEngine } from "./engine/mod.ts";

export interface DockerProviderOptions {
  /** The manager's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Home of the user whose registry credentials count. */
  readonly home?: string | undefined;
  /** What is put into helper containers; this process's own program when left out. */
  readonly executable?: string;
}

/** Looking for what dead managers left must not hold up anything. */
const REAP_MS = 60_000;

export class DockerExecutorProvider implements ExecutorProvider {
  readonly name = "docker";
  readonly #options: DockerProviderOptions;
  readonly #instance = randomBytes(8).toString("hex");
  readonly #links: EngineLinks;
  readonly #stopping = new AbortController();
  #reaping: Promise<unknown> = Promise.resolve();
  #host: ExecutorHost | undefined;

  constructor(options: DockerProviderOptions) {
    this.#options = options;
    const { env, executable } = options;
    this.#links = new EngineLinks({
      connect: ({ host, tls_cert_path, tls_verify }) =>
        connectEngine({ host, tlsCertPath: tls_cert_path, tlsVerify: tls_verify, env }),
      executable: executable ?? process.execPath,
      helperEnv: helperEnvironment(env),
      onConnect: (engine) => this.#reapOn(engine),
    });
  }

  info(config: RunnerConfig): ExecutorInfo {
    return {
      features: {
        variables: true,
        image: true,
        services: true,
        shared: false,
        session: false,
        terminal: false,
      },
      defaultShell: config.shell || "bash",
    };
  }

  async acquire(
    config: RunnerConfig,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<DockerExecutor> {
    const { docker } = config;
    if (docker === undefined) {
      throw new ConfigurationError(
        `Runner "${config.name}" has the executor "docker" but no [runners.docker] section`,
      );
    }
    const { host } = options;
    this.#host = host;
    const manager = this.#identity(host);
    return new DockerExecutor({
      runner: config,
      logger: host.logger,
      home: this.#options.home,
      link: this.#links.get(docker),
      endpoint: {
        host: docker.host,
        tls_cert_path: docker.tls_cert_path,
        tls_verify: String(docker.tls_verify),
      },
      facts: (spec) =>
        jobFacts(spec, { runner: config, docker, manager, helperCommand: HELPER_COMMAND }),
    });
  }

  async reap(
    note: ExecutorNote,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<void> {
    const { key, host, tls_cert_path, tls_verify } = note;
    if (typeof key !== "string" || !/^[0-9a-f]{16}$/.test(key)) return;
    this.#host = options.host;
    const { engine } = this.#links.get({
      host: String(host ?? ""),
      tls_cert_path: String(tls_cert_path ?? ""),
      tls_verify: tls_verify === "true",
    });
    await removeJob(engine, key, { volumes: true, signal: options.signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error("The runner is stopping"));
    await this.#reaping;
    await this.#links[Symbol.asyncDispose]();
  }

  #reapOn(engine: Engine): void {
    const host = this.#host;
    if (host === undefined) return;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(REAP_MS)]);
    const work = reapDeadManagers(engine, this.#identity(host), { logger: host.logger, signal });
    this.#reaping = Promise.all([this.#reaping, work]);
  }

  #identity(host: ExecutorHost): ManagerIdentity {
    return {
      systemId: host.systemId,
      instance: this.#instance,
      stateDir: host.stateDir,
      hostname: hostname(),
    };
  }
}
