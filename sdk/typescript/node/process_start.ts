/** Of a plugin in Node: takes the place of core/util/process_start.ts. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { messageOf, RunnerError } from "../../../core/errors.ts";
import { OutputPump } from "../../../core/util/output_pump.ts";
import type { ProcessCommand, ProcessExit } from "../../../core/util/process.ts";
import type { StartedProcess } from "../../../core/util/process_start.ts";

/** Throws RunnerError when the program cannot be started. */
export function startProcess(command: ProcessCommand): StartedProcess {
  const { output, errorOutput } = command;
  const takers = errorOutput === undefined ? [output] : [output, errorOutput];
  const pipes = takers.map(() => openPipe());
  const [stdout, stderr = stdout] = pipes.map(({ write }) => write);
  const sockets = pipes.map(({ read }) =>
    new Socket({ fd: read, readable: true, writable: false })
  );
  const close = () => sockets.forEach((socket) => socket.destroy());
  try {
    const child = start(command, stdout, stderr);
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const pumps = sockets.map((socket, index) =>
      new OutputPump(
        Readable.toWeb(socket) as ReadableStream<Uint8Array>,
        takers[index] ?? output,
      )
    );
    return { pid: child.pid ?? 0, exited, exit: () => exitOf(child), pumps, close };
  } catch (error) {
    close();
    throw error;
  } finally {
    pipes.forEach(({ write }) => closeSync(write));
  }
}

function start(
  { argv: [program = "", ...args], cwd, env, mark, stdin }: ProcessCommand,
  stdout: number | undefined,
  stderr: number | undefined,
): ChildProcess {
  const child = spawn(program, args, {
    cwd,
    env: { ...env, [mark.name]: mark.value },
    stdio: [stdin ?? "ignore", stdout, stderr],
    detached: true,
  });
  if (child.pid !== undefined) return child;
  // Told by an event as well, which nobody waits for.
  child.once("error", () => {});
  const why = existsSync(cwd) ? "it cannot be run" : `there is no directory "${cwd}"`;
  throw new RunnerError(`Cannot start "${program}": ${why}`);
}

/** What Node offers are sockets, which no `/dev/stdout` opens. */
function openPipe(): { readonly read: number; readonly write: number } {
  const directory = mkdtempSync(join(tmpdir(), "runner-pipe-"));
  const path = join(directory, "pipe");
  try {
    execFileSync("mkfifo", ["-m", "600", path]);
    // A pipe without a writer can be opened by a reader who does not wait.
    const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { read, write: openSync(path, "w") };
  } catch (cause) {
    throw new RunnerError(`Cannot make a pipe in "${directory}": ${messageOf(cause)}`, { cause });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function exitOf({ exitCode, signalCode }: ChildProcess): ProcessExit {
  return signalCode === null
    ? { kind: "exited", code: exitCode ?? 0 }
    : { kind: "signalled", signal: signalCode };
}
