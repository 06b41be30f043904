/** One job, run by the programs of `[runners.custom]` (inventory section 3.13). */

import type { RunnerConfig } from "../../core/config/schema.ts";
import { messageOf, RunnerError, SystemFailure } from "../../core/errors.ts";
import type {
  Executor,
  ExecutorIO,
  ExitStatus,
  OutputSink,
  PreparedEnvironment,
  StageCommand,
} from "../../core/executor.ts";
import type { JobResult } from "../../core/job/result.ts";
import { MOST_GRACE_MS } from "../../core/plugin/protocol.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import type { Logger } from "../../core/log/logger.ts";
import { LogLines } from "../../core/util/log_lines.ts";
import type { ProcessExit } from "../../core/util/process.ts";
import { ExecutorWork } from "../../core/util/executor_work.ts";
import { Driver, type DriverProgram, judge } from "./driver.ts";
import { type DriverConfig, parseDriverConfig } from "./driver_config.ts";
import { driverEnvironment } from "./driver_environment.ts";
import { JobFiles } from "./job_files.ts";
import type { CustomProviderOptions } from "./provider.ts";

export interface CustomExecutorOptions extends CustomProviderOptions {
  readonly runner: RunnerConfig;
  readonly logger: Logger;
}

/** What a prepared job has. */
interface PreparedJob {
  readonly files: JobFiles;
  readonly env: Readonly<Record<string, string>>;
}

/** An answer of `config_exec` is a few hundred bytes. */
const MOST_ANSWER_BYTES = 1024 * 1024;

export class CustomExecutor implements Executor {
  readonly #options: CustomExecutorOptions;
  readonly #work = new ExecutorWork();
  readonly #driver: Driver;
  #job: PreparedJob | undefined;

  constructor(options: CustomExecutorOptions) {
    this.#options = options;
    this.#driver = new Driver(Math.min(options.custom.graceful_kill_timeout * 1000, MOST_GRACE_MS));
  }

  async prepare(
    spec: JobSpec,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    options.signal.throwIfAborted();
    await this.#cleanUp(AbortSignal.timeout(this.#cleanupMs));
    return await this.#work.do(
      options.signal,
      (signal) => this.#prepare(spec, io, signal),
      systemFailure,
    );
  }

  async #prepare(spec: JobSpec, io: ExecutorIO, signal: AbortSignal): Promise<PreparedEnvironment> {
    const { custom } = this.#options;
    const files = JobFiles.create();
    io.remember(files.note);
    const unsettled = parseDriverConfig("");
    files.writeJob(spec, unsettled);
    this.#job = { files, env: this.#environmentOf(spec, unsettled, files) };
    const driver = await this.#configure(io, signal);
    files.writeJob(spec, driver);
    const environment = preparedEnvironment(spec, this.#options, driver);
    for (const key of ["buildsDir", "cacheDir"] as const) {
      if (environment[key] === "") throw notConfigured(key === "buildsDir" ? "builds" : "cache");
    }
    this.#job = { files, env: this.#environmentOf(spec, driver, files) };
    io.log.print(`Using Custom executor${introduce(driver)}...`);
    if (custom.prepare_exec !== "") {
      const exit = await this.#driver.run(
        this.#program(custom.prepare_exec, custom.prepare_args, custom.prepare_exec_timeout),
        io,
        { signal },
      );
      failForJob(exit);
    }
    return environment;
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    return await this.#work.do(
      options.signal,
      (signal) => this.#run(command, io, signal),
      systemFailure,
    );
  }

  async #run(command: StageCommand, io: ExecutorIO, signal: AbortSignal): Promise<ExitStatus> {
    const { run_exec, run_args } = this.#options.custom;
    const { files } = this.#prepared;
    const script = files.writeScript(executable(command), extensionOf(command));
    files.clearExitCode();
    try {
      const program = this.#program(run_exec, [...run_args, script, stageName(command.stage)]);
      const exit = await this.#driver.run({ ...program, leavesRunning: false }, io, { signal });
      if (judge(exit) === undefined) return exit;
      return { ...exit, kind: "exited", code: files.readExitCode() ?? 1 };
    } finally {
      files.removeScript(script);
    }
  }

  async finish(_result: JobResult): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#work.dispose();
    await this.#work.settled;
    await this.#cleanUp(AbortSignal.timeout(this.#cleanupMs));
  }

  /** What dispose would have done for a job whose runner died. */
  async cleanUpAfter(files: JobFiles, signal: AbortSignal): Promise<void> {
    try {
      const { spec, driver } = files.readJob();
      this.#job = { files, env: this.#environmentOf(spec, driver, files) };
    } catch (error) {
      const why = messageOf(error);
      this.#options.logger.warning("Cannot call cleanup_exec for a lost job", { error: why });
      files.remove();
    }
    await this.#cleanUp(signal);
  }

  get #prepared(): PreparedJob {
    if (this.#job === undefined) throw new RunnerError("The executor was not prepared");
    return this.#job;
  }

  get #cleanupMs(): number {
    return this.#options.custom.cleanup_exec_timeout * 1000;
  }

  /** Asks `config_exec` where the job will run. Its words for people go to the job's log. */
  async #configure(io: ExecutorIO, signal: AbortSignal): Promise<DriverConfig> {
    const { config_exec, config_args, config_exec_timeout } = this.#options.custom;
    if (config_exec === "") return parseDriverConfig("");
    const chunks: Uint8Array[] = [];
    let size = 0;
    const answer: OutputSink = {
      write(bytes) {
        size += bytes.length;
        if (size <= MOST_ANSWER_BYTES) chunks.push(bytes.slice());
        return undefined;
      },
    };
    const exit = await this.#driver.run(
      this.#program(config_exec, config_args, config_exec_timeout),
      { output: answer, errorOutput: io.output },
      { signal },
    );
    failForJob(exit);
    if (size > MOST_ANSWER_BYTES) {
      throw new SystemFailure(
        `The output of config_exec is longer than ${MOST_ANSWER_BYTES} bytes`,
      );
    }
    return parseDriverConfig(Buffer.concat(chunks).toString());
  }

  /** `cleanup_exec` for what was prepared, also in part; then nothing of the job is left. */
  async #cleanUp(signal: AbortSignal): Promise<void> {
    const job = this.#job;
    if (job === undefined) return;
    const { custom, logger } = this.#options;
    try {
      if (custom.cleanup_exec !== "") {
        using out = new LogLines((line) => logger.debug(line));
        using err = new LogLines((line) => logger.warning(line));
        const exit = await this.#driver.run(
          this.#program(custom.cleanup_exec, custom.cleanup_args, custom.cleanup_exec_timeout),
          { output: out, errorOutput: err },
          { signal },
        );
        const failure = judge(exit);
        if (failure !== undefined) {
          logger.warning("Cleanup script failed", { error: failure.message });
        }
      }
    } catch (error) {
      logger.warning("Cleanup script failed", { error: messageOf(error) });
    } finally {
      await this.#driver.endAll();
      job.files.remove();
      this.#job = undefined;
    }
  }

  #program(path: string, args: readonly string[], timeoutSeconds?: number): DriverProgram {
    const { files, env } = this.#prepared;
    return {
      argv: [path, ...args],
      env,
      cwd: files.path,
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
      leavesRunning: true,
    };
  }

  #environmentOf(spec: JobSpec, driver: DriverConfig, files: JobFiles) {
    const { env: inherited, runner } = this.#options;
    const environment = preparedEnvironment(spec, this.#options, driver);
    return driverEnvironment({ inherited, spec, runner, environment, driver, files });
  }
}

function preparedEnvironment(
  spec: JobSpec,
  { runner }: CustomExecutorOptions,
  driver: DriverConfig,
): PreparedEnvironment {
  return {
    os: "linux",
    hostname: undefined,
    via: driver.hostname || undefined,
    buildsDir: driver.builds_dir || runner.builds_dir,
    cacheDir: driver.cache_dir || runner.cache_dir,
    sharedBuildsDir: driver.builds_dir_is_shared ?? false,
    projectSlot: spec.slot.project,
    shell: driver.shell || runner.shell || "bash",
    login: false,
    exitPhrase: "exit status",
    helperCommand: ["gitlab-runner"],
    variables: {},
  };
}

/** A driver without a name is not talked of. */
function introduce({ driver }: DriverConfig): string {
  if (!driver?.name) return "";
  return ` with driver ${[driver.name, driver.version].filter((word) => word !== "").join(" ")}`;
}

/** What a program blames on the job is not tried again. Throws SystemFailure. */
function failForJob(exit: ProcessExit): void {
  const failure = judge(exit);
  if (failure !== undefined) throw new SystemFailure(failure.message, { reason: "script_failure" });
}

function systemFailure(error: unknown): SystemFailure {
  return error instanceof SystemFailure
    ? error
    : new SystemFailure(messageOf(error), { cause: error });
}

function notConfigured(which: "builds" | "cache"): SystemFailure {
  return new SystemFailure(
    `the ${which}_dir is not configured: set it in [[runners]], or answer it from config_exec`,
    { reason: "runner_configuration_error" },
  );
}

/** What drivers have always called the user's script. */
function stageName(stage: string): string {
  return stage === "step_script" ? "build_script" : stage;
}

function extensionOf({ invocation }: StageCommand): string {
  return invocation.script.kind === "file" ? invocation.script.extension : "sh";
}

/** Programs hand the script to a shell, or start it. */
function executable({ script, invocation }: StageCommand): string {
  const shell = invocation.argv[0] ?? "sh";
  return invocation.script.kind === "file" ? script : `#!/usr/bin/env ${shell}\n\n${script}`;
}
