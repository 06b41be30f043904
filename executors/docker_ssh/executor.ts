/** Runs one job's stages in the container of its image, over SSH. */

import { SystemFailure } from "../../core/errors.ts";
import type { Executor, ExitStatus, PreparedEnvironment } from "../../core/executor.ts";
import type { JobResult } from "../../core/job/result.ts";
import { delay, link } from "../../core/util/abort.ts";
import type { DockerExecutor } from "../docker/mod.ts";
import type { SshExecutor } from "../ssh/mod.ts";

export class DockerSshExecutor implements Executor {
  readonly #container: DockerExecutor;
  readonly #ssh: SshExecutor;
  #address = "";

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
    const remote = await beforeEnd(ended, options, async (signal) => {
      if (address === "") await noAddress(signal);
      return await this.#ssh.prepare(spec, io, { signal });
    });
    const { hostname, variables } = inside;
    return { ...remote, hostname, variables: { ...variables, ...remote.variables } };
  }

  async run(...stage: Parameters<Executor["run"]>): Promise<ExitStatus> {
    return await this.#ssh.run(...stage);
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

/** An image without an SSH server ends before anybody can log in, and would be waited for in vain. */
async function beforeEnd<T>(
  ended: Promise<{ readonly exitCode: number }>,
  options: { signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const unlink = link(options.signal, stop);
  ended.then(
    ({ exitCode }) =>
      stop.abort(
        new SystemFailure(
          `The job's container ended with ${exitCode}: its image has to run an SSH server`,
        ),
      ),
    (error) => stop.abort(error),
  );
  try {
    return await work(stop.signal);
  } finally {
    unlink();
  }
}
