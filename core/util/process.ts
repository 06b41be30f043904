/** Runs programs: output in order, with backpressure, and a whole end. */

import type { WriteBytes } from "./output_pump.ts";
import { startProcess } from "./process_start.ts";
import { killTree, terminateTree } from "./process_tree.ts";

export interface ProcessCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The complete environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Tells this tree's processes from all others: added to the environment, random, and not secret.
   * Who has it in the environment ends with the process.
   */
  readonly mark: { readonly name: string; readonly value: string };
  /** Open descriptor that becomes the standard input; it stays the caller's. Undefined: empty. */
  readonly stdin?: number | undefined;
  /** Takes both output streams through one pipe, in the order in which they were written. */
  readonly output: WriteBytes;
  /** Takes standard error apart from standard output. */
  readonly errorOutput?: WriteBytes | undefined;
  /** What the program leaves running when it has ended stays: it is ended by its mark later. */
  readonly leavesRunning?: boolean;
  /** Who to run as; needs root. Supplementary groups are dropped. */
  readonly user?: UserIds | undefined;
  /** Who may open the output by its name (`/dev/stdout`), when it is not the starting user. */
  readonly outputOwner?: UserIds | undefined;
  /** How long processes may take to end after SIGTERM, by the signal's reason. Milliseconds. */
  readonly graceMs: (reason: unknown) => number;
}

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A child begins as this process, and Linux counts that: less than what this process had at its peak
 * cannot be told. `below` is that bound, `exact` a peak above it.
 */
export interface PeakMemory {
  readonly kind: "exact" | "below";
  readonly bytes: number;
}

/** What a process and the children it waited for have used. */
export interface ProcessUsage {
  readonly cpuMs: number;
  /** The largest of the processes. */
  readonly peakMemory: PeakMemory;
}

export type ProcessExit =
  | { readonly kind: "exited"; readonly code: number; readonly usage?: ProcessUsage }
  | { readonly kind: "signalled"; readonly signal: string; readonly usage?: ProcessUsage };

/**
 * Runs a program to its end in a session of its own, then kills what it left running and takes the
 * rest of its output: nobody who holds the output open can delay the result. When `signal` aborts
 * first, the tree gets SIGTERM, then SIGKILL, and the call rejects with the signal's reason once
 * none is left. Throws RunnerError when the program cannot be started.
 */
export async function runProcess(
  command: ProcessCommand,
  options: { signal: AbortSignal },
): Promise<ProcessExit> {
  const { signal } = options;
  signal.throwIfAborted();
  const mark = `${command.mark.name}=${command.mark.value}`;
  const startedAt = performance.now();
  const { pid, exited, exit, pumps, close } = startProcess(command);
  const leader = { pid, startedAt };
  const aborted = Promise.withResolvers<"aborted">();
  const abort = () => aborted.resolve("aborted");
  signal.addEventListener("abort", abort, { once: true });
  try {
    const readToEnd = Promise.all(pumps.map((pump) => pump.done)).then(() => exited);
    const first = await Promise.race([exited, aborted.promise, readToEnd]);
    if (first === "aborted") {
      const graceMs = command.graceMs(signal.reason);
      await terminateTree(mark, leader, { exited, graceMs });
    }
    if (first === "aborted" || command.leavesRunning !== true) await killTree(mark, leader);
    await exited;
    await Promise.all(pumps.map((pump) => pump.drain()));
    if (first !== "aborted") return exit();
  } catch (error) {
    await killTree(mark, leader);
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    close();
  }
  throw signal.reason;
}
