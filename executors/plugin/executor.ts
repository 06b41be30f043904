/** A job's executor in a plugin, which may die and be started again before the job has begun. */

import { basename } from "node:path";
import { messageOf, SystemFailure } from "../../core/errors.ts";
import type {
  Executor,
  ExecutorIO,
  ExitStatus,
  HostFile,
  PreparedEnvironment,
  StageCommand,
  Terminal,
  TerminalOptions,
} from "../../core/executor.ts";
import type { JobResult } from "../../core/job/result.ts";
import { type JobSpec, movesFiles } from "../../core/job/spec.ts";
import type { RemoteExecutor } from "../../core/plugin/remote_executor.ts";
import type { HelperProgram, HelperPrograms } from "../../core/util/helper_programs.ts";

/** Room in the entry's present plugin; undefined: it has none. */
export type Reopen = (options: { signal: AbortSignal }) => Promise<RemoteExecutor | undefined>;

export interface PluginExecutorOptions {
  readonly reopen: Reopen;
  readonly programs: HelperPrograms;
}

export class PluginExecutor implements Executor {
  readonly #options: PluginExecutorOptions;
  #remote: RemoteExecutor;

  constructor(remote: RemoteExecutor, options: PluginExecutorOptions) {
    this.#remote = remote;
    this.#options = options;
  }

  async prepare(
    spec: JobSpec,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    if (this.#remote.isLost) {
      await this.#remote[Symbol.asyncDispose]();
      const remote = await this.#options.reopen(options);
      if (remote === undefined) throw new SystemFailure("The plugin has no capacity for the job");
      this.#remote = remote;
    }
    const environment = await this.#remote.prepare(spec, io, options);
    return movesFiles(spec) ? await this.#withHelper(environment, io, options) : environment;
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    return await this.#remote.run(command, io, options);
  }

  async openTerminal(command: StageCommand, options: TerminalOptions): Promise<Terminal> {
    return await this.#remote.openTerminal(command, options);
  }

  async putFile(file: HostFile, options: { signal: AbortSignal }): Promise<string> {
    return await this.#remote.putFile(file, options);
  }

  /** An environment without this executable gets it, where that can be; jobs go on without it. */
  async #withHelper(
    environment: PreparedEnvironment,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    const { os, arch, helperCommand } = environment;
    if (helperCommand !== undefined || arch === undefined || !this.#remote.takesFiles) {
      return environment;
    }
    try {
      const program = await this.#options.programs.find({ os, arch });
      if (program === undefined) return environment;
      return { ...environment, helperCommand: [await this.putFile(hostFile(program), options)] };
    } catch (error) {
      options.signal.throwIfAborted();
      if (this.#remote.isLost) throw error;
      io.log.warning(`The job gets no helper for artifacts and caches: ${messageOf(error)}`);
      return environment;
    }
  }

  async finish(result: JobResult): Promise<void> {
    if (!this.#remote.isLost) await this.#remote.finish(result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remote[Symbol.asyncDispose]();
  }
}

function hostFile({ path, size, sha256 }: HelperProgram): HostFile {
  return {
    name: basename(path),
    size,
    sha256,
    read: async (offset, length) => await Bun.file(path).slice(offset, offset + length).bytes(),
  };
}
