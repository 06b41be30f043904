/** A job's executor in a plugin, which may die and be started again before the job has begun. */

import { SystemFailure } from "../../core/errors.ts";
import type {
  Executor,
  ExecutorIO,
  ExitStatus,
  PreparedEnvironment,
  StageCommand,
} from "../../core/executor.ts";
import type { JobResult } from "../../core/job/result.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import type { RemoteExecutor } from "../../core/plugin/remote_executor.ts";

/** Room in the entry's present plugin; undefined: it has none. */
export type Reopen = (options: { signal: AbortSignal }) => Promise<RemoteExecutor | undefined>;

export class PluginExecutor implements Executor {
  readonly #reopen: Reopen;
  #remote: RemoteExecutor;

  constructor(remote: RemoteExecutor, reopen: Reopen) {
    this.#remote = remote;
    this.#reopen = reopen;
  }

  async prepare(
    spec: JobSpec,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    if (this.#remote.isLost) {
      await this.#remote[Symbol.asyncDispose]();
      const remote = await this.#reopen(options);
      if (remote === undefined) throw new SystemFailure("The plugin has no capacity for the job");
      this.#remote = remote;
    }
    return await this.#remote.prepare(spec, io, options);
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    return await this.#remote.run(command, io, options);
  }

  async finish(result: JobResult): Promise<void> {
    if (!this.#remote.isLost) await this.#remote.finish(result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remote[Symbol.asyncDispose]();
  }
}
