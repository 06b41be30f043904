/** Runs the operator's programs, and judges how they ended. */

import { SystemFailure } from "../../core/errors.ts";
import type { OutputSink } from "../../core/executor.ts";
import { deadline, DeadlineExceeded, delay } from "../../core/util/abort.ts";
import { graceFor } from "../../core/util/grace.ts";
import { findMarked } from "../../core/util/marked_processes.ts";
import { killTree } from "../../core/util/process_tree.ts";
import { type ProcessExit, runProcess } from "../../core/util/process.ts";
import { exitFailure } from "../../core/run/stage_runner.ts";

/** What programs end with when the job's script has failed, and when anything else has. */
export const BUILD_FAILURE = 1;
export const SYSTEM_FAILURE = 2;

/** What GitLab Runner says of a program that a signal has ended. */
const NO_CODE = -1;

/** One of the programs of `[runners.custom]`. */
export interface DriverProgram {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The job's private directory. */
  readonly cwd: string;
  /** Longest run in seconds; undefined: as long as the job may. */
  readonly timeoutSeconds?: number;
  /** Stays for later stages: machines, connections. */
  readonly leavesRunning: boolean;
}

const MARK_VARIABLE = "RUNNER_PROCESS_MARK";

/** A machine's monitor that is killed before it has tidied up leaves control groups and mounts. */
const LAST_WORK_MS = 1000;

/**
 * The programs of one job. The mark of those that leave nothing running begins with that of the job,
 * so that their own can be ended alone.
 */
export class Driver {
  readonly #mark = crypto.randomUUID();
  readonly #graceMs: number;

  /** `graceMs`: between SIGTERM and SIGKILL. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Runs a program to its end. Throws RunnerError when it cannot be started. */
  async run(
    program: DriverProgram,
    sinks: { output: OutputSink; errorOutput?: OutputSink },
    options: { signal: AbortSignal },
  ): Promise<ProcessExit> {
    const { timeoutSeconds = Infinity, ...rest } = program;
    const what = program.argv[0] ?? "";
    const limitMs = timeoutSeconds * 1000;
    using limit = deadline(limitMs, () => new DeadlineExceeded(what, limitMs), options.signal);
    const { output, errorOutput } = sinks;
    const value = program.leavesRunning ? this.#mark : `${this.#mark}.${crypto.randomUUID()}`;
    try {
      return await runProcess({
        ...rest,
        mark: { name: MARK_VARIABLE, value },
        output: (bytes) => output.write(bytes),
        ...(errorOutput === undefined
          ? {}
          : { errorOutput: (bytes: Uint8Array) => errorOutput.write(bytes) }),
        graceMs: (reason) => graceFor(reason, this.#graceMs),
      }, limit);
    } catch (error) {
      if (options.signal.aborted || !(error instanceof DeadlineExceeded)) throw error;
      throw new SystemFailure(`"${what}" took longer than ${timeoutSeconds} seconds`, {
        cause: error,
      });
    }
  }

  /** Ends what the programs have left running and is not about to end by itself. */
  async endAll(): Promise<void> {
    const mark = `${MARK_VARIABLE}=${this.#mark}`;
    for (let waitedMs = 0, pauseMs = 10; waitedMs < LAST_WORK_MS; pauseMs *= 2) {
      if ((await findMarked(mark)).length === 0) return;
      await delay(pauseMs);
      waitedMs += pauseMs;
    }
    await killTree(mark);
  }
}

/** Undefined: it went well. Throws SystemFailure for an end that is not the job's doing. */
export function judge(exit: ProcessExit): { readonly message: string } | undefined {
  const { message } = exitFailure(exit, "exit status");
  const code = exit.kind === "exited" ? exit.code : NO_CODE;
  switch (code) {
    case 0:
      return undefined;
    case BUILD_FAILURE:
      return { message };
    case SYSTEM_FAILURE:
      throw new SystemFailure(message);
    default:
      throw new SystemFailure(
        `unknown Custom executor executable exit code ${code}; ` +
          `executable execution terminated with: ${message}`,
      );
  }
}
