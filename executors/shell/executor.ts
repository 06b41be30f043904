/** Runs one job's stages as processes of this host. */

import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { RunnerError, SystemFailure } from "../../core/errors.ts";
import type {
  Checkout,
  Executor,
  ExecutorIO,
  ExitStatus,
  PreparedEnvironment,
  StageCommand,
} from "../../core/executor.ts";
import type { JobResult } from "../../core/job/result.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import type { CheckoutClaims } from "../../core/util/checkout_claims.ts";
import { cannotRun, ExecutorWork } from "../../core/util/executor_work.ts";
import { graceFor } from "../../core/util/grace.ts";
import { openScript } from "../../core/util/script_input.ts";
import { runProcess } from "../../core/util/process.ts";
import { jobEnvironment, MARK_VARIABLE } from "./environment.ts";
import { leaseSlot, lockCheckout, makeDirectory, type SlotLease } from "./job_directories.ts";
import type { JobUser } from "./job_user.ts";
import { removeDirectory } from "./temp_dir.ts";

export interface ShellExecutorOptions {
  /** Name of the shell, known to be installed. */
  readonly shell: string;
  /** As in config.toml; empty means below the working directory. */
  readonly buildsDir: string;
  readonly cacheDir: string;
  /** Name of the folder of this runner's checkouts. */
  readonly shortToken: string;
  readonly workingDirectory: string;
  /** Absolute and private. */
  readonly stateDir: string;
  /** The manager's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly user: JobUser | undefined;
  /** Shared by all jobs of this process. */
  readonly claims: CheckoutClaims;
  /** How a script calls this executable. */
  readonly selfCommand: readonly string[];
  /** How long processes may take to end after SIGTERM. Milliseconds. */
  readonly graceMs: number;
}

export class ShellExecutor implements Executor {
  readonly #options: ShellExecutorOptions;
  readonly #mark = { name: MARK_VARIABLE, value: crypto.randomUUID() };
  readonly #work = new ExecutorWork();
  readonly #checkout = new DisposableStack();
  #lease: SlotLease | undefined;

  constructor(options: ShellExecutorOptions) {
    this.#options = options;
  }

  async prepare(
    spec: JobSpec,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    options.signal.throwIfAborted();
    const { shell, workingDirectory, shortToken, selfCommand, user } = this.#options;
    io.log.print(`Using Shell (${shell}) executor...`);
    const buildsDir = this.#buildsDir();
    const cacheDir = resolve(workingDirectory, this.#options.cacheDir || "cache");
    const owner = user?.account;
    makeDirectory("builds_dir", buildsDir, owner);
    makeDirectory("cache_dir", cacheDir, owner);
    this.#lease?.[Symbol.dispose]();
    this.#lease = leaseSlot(join(buildsDir, shortToken), {
      projectId: spec.projectId,
      first: spec.slot.project,
      owner,
    });
    io.remember({ mark: this.#mark.value, lease: this.#lease.path });
    return {
      os: operatingSystem(),
      hostname: hostname(),
      buildsDir,
      cacheDir,
      sharedBuildsDir: true,
      projectSlot: this.#lease.slot,
      shell,
      login: true,
      exitPhrase: "exit status",
      helperCommand: selfCommand,
      variables: {},
    };
  }

  async leaseCheckout(
    { path, custom }: Checkout,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<void> {
    const { claims } = this.#options;
    const onWait = () => io.log.notice(`Waiting for another job to leave "${path}"...`);
    this.#checkout.use(await claims.claim(path, { onWait, ...options }));
    if (!custom) return;
    const lock = await lockCheckout(this.#buildsDir(), path, { onWait, ...options });
    this.#checkout.use(lock);
    io.remember({ mark: this.#mark.value, checkout_lease: lock.path });
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    const run = (signal: AbortSignal) => this.#run(command, io, signal);
    return await this.#work.do(options.signal, run, (error) =>
      // Its message says already what could not be started.
      error instanceof RunnerError && !(error instanceof SystemFailure)
        ? new SystemFailure(error.message, { cause: error })
        : cannotRun(command.stage)(error));
  }

  async #run(command: StageCommand, io: ExecutorIO, signal: AbortSignal): Promise<ExitStatus> {
    signal.throwIfAborted();
    const { user, stateDir, env, workingDirectory, graceMs } = this.#options;
    using script = openScript(command, { directory: stateDir, owner: user?.account });
    return await runProcess({
      argv: [...user?.prefix ?? [], ...command.invocation.argv, ...script.args],
      // An earlier job may have removed it; a job's own directories are made before it starts.
      cwd: existsSync(workingDirectory) ? workingDirectory : "/",
      env: jobEnvironment(env, user?.account),
      mark: this.#mark,
      stdin: script.stdin,
      output: (bytes) => io.output.write(bytes),
      user: user?.ids,
      outputOwner: user?.account,
      graceMs: (reason) => graceFor(reason, graceMs),
    }, { signal });
  }

  async removeDirectory(path: string, options: { signal: AbortSignal }): Promise<void> {
    await removeDirectory(path, { user: this.#options.user, signal: options.signal });
  }

  async finish(_result: JobResult): Promise<void> {}

  #buildsDir(): string {
    return resolve(this.#options.workingDirectory, this.#options.buildsDir || "builds");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#work.dispose();
    await this.#work.settled;
    this.#checkout.dispose();
    this.#lease?.[Symbol.dispose]();
    this.#lease = undefined;
  }
}

function operatingSystem(): PreparedEnvironment["os"] {
  switch (process.platform) {
    case "win32":
      return "windows";
    case "darwin":
      return "darwin";
    case "freebsd":
      return "freebsd";
    default:
      return "linux";
  }
}
