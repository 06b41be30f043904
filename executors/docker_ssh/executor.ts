/** Runs one job's stages in the container of its image, over SSH. */

import { RunnerError, SystemFailure } from "../../core/errors.ts";
import type { Executor, ExitStatus, PreparedEnvironment } from "../../core/executor.ts";
import type { JobResult } from "../../core/job/result.ts";
import { delay, link } from "../../core/util/abort.ts";
import type { DockerExecutor } from "../docker/mod.ts";
import type { SshExecutor } from "../ssh/mod.ts";

export class DockerSshExecutor implements Executor {
  readonly #container: DockerExecutor;
  readonly #ssh: SshExecutor;
  #address = "";
  /** Settles when the container's program has ended. */
  #ended: Promise<{ readonly exitCode: number }> | undefined;

  /** `openOn`: an executor on the machine at the address that is known when it prepares. */
  constructor(container: DockerExecutor, openOn: (address: () => string) => SshExecutor) {
    this.#container = container;
    this.#ssh = openOn(() => this.#address);
  }

  async prepare(...job: Parameters<Executor["prepare"]>): Promise<PreparedEnvironment> {
    const [spec, io, options] = job;
    const inside = await this.#container.prepare(spec, io, options);
    io.log.warning(
      "The executor docker-ssh is deprecated: GitLab Runner itself has none since 16.0. Use docker.",
    );
    const { address, ended } = await this.#container.serve(options);
    this.#address = address;
    this.#ended = ended;
    const remote = await beforeEnd(ended, ": its image has to run an SSH server", {
      ...options,
      work: async (signal) => {
        if (address === "") await noAddress(signal);
        return await this.#ssh.prepare(spec, io, { signal });
      },
    });
    const { hostname, variables } = inside;
    return { ...remote, hostname, variables: { ...variables, ...remote.variables } };
  }

  async run(...stage: Parameters<Executor["run"]>): Promise<ExitStatus> {
    const [command, io, options] = stage;
    if (this.#ended === undefined) throw new RunnerError("The executor was not prepared");
    return await beforeEnd(this.#ended, "", {
      ...options,
      work: (signal) => this.#ssh.run(command, io, { signal }),
    });
  }

  async finish(result: JobResult): Promise<void> {
    await this.#container.finish(result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#ssh[Symbol.asyncDispose]();
    } finally {
      await this.#container[Symbol.asyncDispose]();
    }
  }
}

/** Throws, after a moment in which the engine may tell that the program has ended. */
async function noAddress(signal: AbortSignal): Promise<never> {
  await delay(ENDED_MS, { signal });
  throw new SystemFailure("The job's container has no address to log in to: see network_mode");
}

const ENDED_MS = 1000;

/** Who logs in to a container that has ended would be let wait in vain. */
async function beforeEnd<T>(
  ended: Promise<{ readonly exitCode: number }>,
  advice: string,
  options: { work: (signal: AbortSignal) => Promise<T>; signal: AbortSignal },
): Promise<T> {
  const stop = new AbortController();
  const unlink = link(options.signal, stop);
  ended.then(
    ({ exitCode }) =>
      stop.abort(new SystemFailure(`The job's container ended with ${exitCode}${advice}`)),
    (error) => stop.abort(error),
  );
  try {
    return await options.work(stop.signal);
  } finally {
    unlink();
  }
}
