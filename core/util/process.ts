/** The only place that starts programs: output in order, with backpressure, and a whole end. */

import { closeSync, existsSync, fchownSync } from "node:fs";
import { messageOf, RunnerError } from "../errors.ts";
import { systemLibc } from "./libc.ts";
import { OutputPump, type WriteBytes } from "./output_pump.ts";
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
  const ownPeakBytes = process.resourceUsage().maxRSS * 1024;
  const { child, pumps, close } = start(command);
  const leader = { pid: child.pid, startedAt };
  const aborted = Promise.withResolvers<"aborted">();
  const abort = () => aborted.resolve("aborted");
  signal.addEventListener("abort", abort, { once: true });
  try {
    const readToEnd = Promise.all(pumps.map((pump) => pump.done)).then(() => child.exited);
    const first = await Promise.race([child.exited, aborted.promise, readToEnd]);
    if (first === "aborted") {
      const graceMs = command.graceMs(signal.reason);
      await terminateTree(mark, leader, { exited: child.exited, graceMs });
    }
    if (first === "aborted" || command.leavesRunning !== true) await killTree(mark, leader);
    await child.exited;
    await Promise.all(pumps.map((pump) => pump.drain()));
    if (first !== "aborted") return exitOf(child, ownPeakBytes);
  } catch (error) {
    await killTree(mark, leader);
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    close();
  }
  throw signal.reason;
}

interface Started {
  readonly child: Bun.Subprocess;
  readonly pumps: readonly OutputPump[];
  close(): void;
}

function start(command: ProcessCommand): Started {
  const libc = systemLibc();
  if (libc === undefined) return startWithoutPipes(command);
  const { output, errorOutput } = command;
  const takers = errorOutput === undefined ? [output] : [output, errorOutput];
  const pipes: { readonly read: number; readonly write: number }[] = [];
  const close = () => pipes.forEach(({ read }) => closeSync(read));
  try {
    for (const _ of takers) pipes.push(libc.pipe());
    const owner = command.outputOwner ?? command.user;
    if (owner !== undefined) pipes.forEach(({ write }) => fchownSync(write, owner.uid, owner.gid));
    const [stdout, stderr = stdout] = pipes.map(({ write }) => write);
    const child = spawn(command, stdout ?? "pipe", stderr ?? "pipe");
    const pumps = pipes.map(({ read }, index) =>
      new OutputPump(Bun.file(read).stream(), takers[index] ?? output)
    );
    return { child, pumps, close };
  } catch (error) {
    close();
    throw error;
  } finally {
    pipes.forEach(({ write }) => closeSync(write));
  }
}

/** Where the C library cannot be called (Windows): the order between the streams is lost. */
function startWithoutPipes(command: ProcessCommand): Started {
  const { output, errorOutput = output } = command;
  const child = spawn(command, "pipe", "pipe");
  const pumps = ([[child.stdout, output], [child.stderr, errorOutput]] as const).flatMap(
    ([stream, taker]) => stream instanceof ReadableStream ? [new OutputPump(stream, taker)] : [],
  );
  return { child, pumps, close: () => {} };
}

function spawn(
  command: ProcessCommand,
  stdout: number | "pipe",
  stderr: number | "pipe",
): Bun.Subprocess {
  const { argv, cwd, user } = command;
  try {
    return Bun.spawn([...argv], {
      cwd,
      env: { ...command.env, [command.mark.name]: command.mark.value },
      stdin: command.stdin ?? "ignore",
      stdout,
      stderr,
      detached: true,
      ...(user ?? {}),
    });
  } catch (error) {
    // A missing directory and a missing program are reported alike.
    const why = existsSync(cwd) ? messageOf(error) : `there is no directory "${cwd}"`;
    throw new RunnerError(`Cannot start "${argv[0]}": ${why}`, { cause: error });
  }
}

/** Our own peak is not measured at the same instant as what the child is charged with. */
const BOUND_TOLERANCE = 1.05;

function exitOf(child: Bun.Subprocess, ownPeakBytes: number): ProcessExit {
  const used = child.resourceUsage();
  const bytes = Number(used?.maxRSS ?? 0);
  const kind = bytes > ownPeakBytes * BOUND_TOLERANCE ? "exact" : "below";
  const usage = used === undefined
    ? {}
    : { usage: { cpuMs: Number(used.cpuTime.total) / 1000, peakMemory: { kind, bytes } as const } };
  return child.signalCode === null
    ? { kind: "exited", code: child.exitCode ?? 0, ...usage }
    : { kind: "signalled", signal: String(child.signalCode), ...usage };
}
