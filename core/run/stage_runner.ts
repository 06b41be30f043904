/** Runs planned stages in a prepared environment: section, script, exit, tries, time taken. */

import { messageOf, SystemFailure } from "../errors.ts";
import type { Executor, ExecutorIO, ExitStatus, StageCommand, StageUsage } from "../executor.ts";
import type { RenderOptions, ScriptOp, Shell } from "../shell.ts";
import type { JobTrace } from "../trace/trace.ts";
import { delay, JobTimedOut } from "../util/abort.ts";
import { scriptLine } from "../util/ansi.ts";
import { backoff } from "../util/retry.ts";
import type { PlannedStage } from "./plan.ts";

/** Time and resources of one run of one stage. */
export interface StageReport {
  readonly stage: string;
  readonly durationMs: number;
  /** Undefined: no process ran, or its executor cannot tell. */
  readonly usage: StageUsage | undefined;
}

export interface StageRunnerOptions {
  readonly executor: Executor;
  readonly io: ExecutorIO;
  readonly trace: JobTrace;
  readonly shell: Shell;
  readonly login: boolean;
  readonly os: "linux" | "darwin" | "windows" | "freebsd";
  readonly render: RenderOptions;
  /** What precedes an exit code in the log. */
  readonly exitPhrase: string;
  /** `FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY`: wait before another try. */
  readonly waitBetweenTries: boolean;
  readonly onStage: (name: string) => void;
}

/** Between tries of a stage: 5 s, doubling, at most 5 minutes (inventory section 4.2). */
const RETRY = { minMs: 5000, maxMs: 5 * 60_000 };

const TIMEOUT_HELP = "could not run to completion because the timeout was exceeded. " +
  "For more control over job and script timeouts see: " +
  "https://docs.gitlab.com/ci/runners/configure_runners/#set-script-and-after_script-timeouts";

/** Scripts do not run in this environment, because a profile of the shell ends it. */
export class UnusableShell extends SystemFailure {
  constructor(status: ExitStatus, exitPhrase: string) {
    const { message } = exitFailure(status, exitPhrase);
    super(
      `prepare environment: ${message}. Check ` +
        "https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information",
      { reason: "script_failure" },
    );
  }
}

export class StageRunner {
  readonly #options: StageRunnerOptions;
  readonly #reports: StageReport[] = [];
  /** The shell reads what it is given: a script has come to its end, or one was tried for that. */
  #shellWorks = false;

  constructor(options: StageRunnerOptions) {
    this.#options = options;
  }

  /** Notes what a step outside of the plan took. */
  note(stage: string, durationMs: number): void {
    this.#reports.push({ stage, durationMs, usage: undefined });
  }

  /** What the stages run so far took, in order. */
  get reports(): readonly StageReport[] {
    return this.#reports;
  }

  /**
   * Runs a stage up to its number of tries. Undefined: it succeeded or had nothing to do; otherwise
   * how the last try ended. `betweenTries` runs before every further one. Throws what the last try
   * met in place of an end, and the signal's reason once that has aborted.
   */
  async run(
    stage: PlannedStage,
    options: { betweenTries?: PlannedStage; signal: AbortSignal },
  ): Promise<ExitStatus | undefined> {
    const { betweenTries, signal } = options;
    const { trace, waitBetweenTries } = this.#options;
    for (let attempt = 1;; attempt++) {
      try {
        if (attempt > 1 && betweenTries !== undefined) await this.#once(betweenTries, signal);
        const failed = await this.#once(stage, signal);
        if (failed === undefined || attempt >= stage.attempts) return failed;
      } catch (error) {
        if (signal.aborted || attempt >= stage.attempts) throw error;
        trace.warning(messageOf(error));
      }
      trace.warning("Retrying...");
      if (waitBetweenTries) await delay(backoff(attempt - 1, RETRY), { signal });
    }
  }

  /** Runs the first script of a job. Throws UnusableShell when it fails, and what `run` throws. */
  async prepare(stage: PlannedStage, options: { signal: AbortSignal }): Promise<void> {
    const failed = await this.run(stage, options);
    if (failed !== undefined) throw new UnusableShell(failed, this.#options.exitPhrase);
  }

  /**
   * Finds out, after a script has failed, whether it was ever reached: a profile that exits ends
   * every login shell. Throws UnusableShell then.
   */
  async assertShellWorks(signal: AbortSignal): Promise<void> {
    if (this.#shellWorks || !this.#options.login) return;
    this.#shellWorks = true;
    const nothing: PlannedStage = {
      name: "prepare_script",
      title: "",
      ops: [],
      target: "build",
      attempts: 1,
    };
    const silent = { write: () => undefined };
    let status: ExitStatus;
    try {
      status = await this.#execute(nothing, { ...this.#options.io, output: silent }, signal);
    } catch {
      // That tells nothing of the shell, and what fails next will be told.
      signal.throwIfAborted();
      return;
    }
    if (!isSuccess(status)) throw new UnusableShell(status, this.#options.exitPhrase);
  }

  /**
   * Runs a stage without a section and without a trace of it: clean-up after the job's end. Throws
   * SystemFailure when it does not end well.
   */
  async runSilently(stage: PlannedStage, signal: AbortSignal): Promise<void> {
    if (stage.ops.every(isRemoval) && await this.#remove(stage.ops, signal)) return;
    const silent = { write: () => undefined };
    const status = await this.#execute(stage, { ...this.#options.io, output: silent }, signal);
    if (isSuccess(status)) return;
    const { message } = exitFailure(status, this.#options.exitPhrase);
    throw new SystemFailure(`Cannot run ${stage.name}: ${message}`);
  }

  /** What the executor is given to run. */
  command(stage: PlannedStage): StageCommand {
    const { shell, login, os, render } = this.#options;
    return {
      stage: stage.name,
      script: shell.render(stage.ops, render),
      invocation: shell.invocation({ os, login }),
      target: stage.target,
    };
  }

  async #once(stage: PlannedStage, signal: AbortSignal): Promise<ExitStatus | undefined> {
    signal.throwIfAborted();
    if (stage.ops.length === 0) return undefined;
    const { trace, io, onStage } = this.#options;
    const started = performance.now();
    let status: ExitStatus | undefined;
    onStage(stage.name);
    trace.startSection(stage.name, stage.title);
    try {
      if (stage.ops.every(isPrint)) await this.#say(stage.ops);
      else status = await this.#execute(stage, io, signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      trace.endSection(stage.name);
      if (signal.reason instanceof JobTimedOut) trace.warning(`${stage.name} ${TIMEOUT_HELP}`);
      this.#reports.push({
        stage: stage.name,
        durationMs: performance.now() - started,
        usage: status?.usage,
      });
    }
    if (status === undefined || !isSuccess(status)) return status;
    this.#shellWorks = true;
    return undefined;
  }

  /** A stage that only speaks needs no process to do it. */
  async #say(ops: readonly PrintOp[]): Promise<void> {
    const text = ops.map((op) => `${scriptLine(op.style, op.text)}\n`).join("");
    await this.#options.io.output.write(new TextEncoder().encode(text));
  }

  /** A stage that only removes needs no shell where the executor can do it. */
  async #remove(ops: readonly RemoveOp[], signal: AbortSignal): Promise<boolean> {
    const { executor } = this.#options;
    if (executor.removeDirectory === undefined) return false;
    try {
      for (const { path } of ops) await executor.removeDirectory(path, { signal });
      return true;
    } catch {
      // What is read-only for its owner: the script changes that first.
      return false;
    }
  }

  #execute(stage: PlannedStage, io: ExecutorIO, signal: AbortSignal): Promise<ExitStatus> {
    return this.#options.executor.run(this.command(stage), io, { signal });
  }
}

function isSuccess(status: ExitStatus): boolean {
  return status.kind === "exited" && status.code === 0;
}

type PrintOp = Extract<ScriptOp, { kind: "print" }>;

function isPrint(op: ScriptOp): op is PrintOp {
  return op.kind === "print";
}

type RemoveOp = Extract<ScriptOp, { kind: "remove-directory" }>;

function isRemoval(op: ScriptOp): op is RemoveOp {
  return op.kind === "remove-directory";
}

/** What a job's log and its final update say of a script that did not end well. */
export function exitFailure(
  status: ExitStatus,
  exitPhrase: string,
): { readonly message: string; readonly exitCode: number } {
  switch (status.kind) {
    case "exited":
      return { message: `${exitPhrase} ${status.code}`, exitCode: status.code };
    case "signalled": {
      const [number, word] = SIGNALS[status.signal] ?? [0, status.signal];
      return { message: `signal: ${word}`, exitCode: 128 + number };
    }
    case "oom-killed":
      return { message: `${exitPhrase} 137 (out of memory)`, exitCode: 137 };
  }
}

/**
 * Numbers that are the same on every system we run on, and the words that GitLab Runner's logs
 * have for them; others are reported by their name and a plain 128.
 */
const SIGNALS: Readonly<Record<string, readonly [number: number, word: string]>> = {
  SIGHUP: [1, "hangup"],
  SIGINT: [2, "interrupt"],
  SIGQUIT: [3, "quit"],
  SIGILL: [4, "illegal instruction"],
  SIGABRT: [6, "aborted"],
  SIGFPE: [8, "floating point exception"],
  SIGKILL: [9, "killed"],
  SIGSEGV: [11, "segmentation fault"],
  SIGPIPE: [13, "broken pipe"],
  SIGALRM: [14, "alarm clock"],
  SIGTERM: [15, "terminated"],
};
