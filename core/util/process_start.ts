/** Starts programs for {@link runProcess}, with both output streams in one pipe. */

import { closeSync, existsSync, fchownSync } from "node:fs";
import { messageOf, RunnerError } from "../errors.ts";
import { systemLibc } from "./libc.ts";
import { OutputPump } from "./output_pump.ts";
import type { ProcessCommand, ProcessExit } from "./process.ts";

export interface StartedProcess {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  /** How it ended; once it has. */
  exit(): ProcessExit;
  /** Of its output: one, or another one for the standard error. */
  readonly pumps: readonly OutputPump[];
  /** Gives up what its output is read by. */
  close(): void;
}

/** Throws RunnerError when the program cannot be started. */
export function startProcess(command: ProcessCommand): StartedProcess {
  const ownPeakBytes = process.resourceUsage().maxRSS * 1024;
  const libc = systemLibc();
  if (libc === undefined) return startWithoutPipes(command, ownPeakBytes);
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
    return { ...started(child, ownPeakBytes), pumps, close };
  } catch (error) {
    close();
    throw error;
  } finally {
    pipes.forEach(({ write }) => closeSync(write));
  }
}

/** Where the C library cannot be called (Windows): the order between the streams is lost. */
function startWithoutPipes(command: ProcessCommand, ownPeakBytes: number): StartedProcess {
  const { output, errorOutput = output } = command;
  const child = spawn(command, "pipe", "pipe");
  const pumps = ([[child.stdout, output], [child.stderr, errorOutput]] as const).flatMap(
    ([stream, taker]) => stream instanceof ReadableStream ? [new OutputPump(stream, taker)] : [],
  );
  return { ...started(child, ownPeakBytes), pumps, close: () => {} };
}

function started(child: Bun.Subprocess, ownPeakBytes: number) {
  const { pid, exited } = child;
  return { pid, exited, exit: () => exitOf(child, ownPeakBytes) };
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
