/** Runs a program on a pseudo-terminal, which somebody uses from elsewhere. */

import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { messageOf, RunnerError } from "../errors.ts";
import { settlesWithin } from "./abort.ts";
import { systemLibc } from "./libc.ts";
import type { ProcessCommand, ProcessExit } from "./process.ts";
import { killTree } from "./process_tree.ts";

export type PtyCommand =
  & Pick<ProcessCommand, "argv" | "cwd" | "env" | "mark" | "stdin" | "output" | "graceMs">
  & { readonly size: TerminalSize };

/** How large the window is that shows a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface PtyProcess {
  /** Types `bytes`; resolves when the terminal has taken them. */
  write(bytes: Uint8Array): Promise<void>;
  resize(size: TerminalSize): void;
  /** Settles when nothing of the program is left and all that it has shown was taken. */
  readonly ended: Promise<ProcessExit>;
}

/** So much may wait for `output`; then the program waits. A terminal's own buffer comes on top. */
const MOST_WAITING_BYTES = 256 * 1024;
/** Bun does not tell of 4096 or more that the terminal has taken, when it took them all at once. */
const TYPED_BYTES = 2048;
/** When all that is known has ended, and the terminal still does not: somebody else holds it. */
const SILENCE_LIMIT_MS = 250;

/**
 * The program leads a session with the terminal as its controlling one. When `signal` aborts, the
 * terminal hangs up, what has not ended after the grace is killed, and `ended` rejects with the
 * signal's reason. Throws RunnerError when the program cannot be started.
 */
export function runOnPty(command: PtyCommand, options: { signal: AbortSignal }): PtyProcess {
  options.signal.throwIfAborted();
  return new Pty(command, options.signal);
}

/** Why the program is not left to end by itself: an abort, or a failure of `output`. */
interface Stopped {
  readonly reason: unknown;
}

class Pty implements PtyProcess {
  readonly #command: PtyCommand;
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  readonly #device: string | undefined;
  readonly #closed = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<Stopped>();
  /** In the order of the calls. */
  #typing: Promise<void> = Promise.resolve();
  #typed: PromiseWithResolvers<void> | undefined;
  readonly #shown: Uint8Array[] = [];
  #shownBytes = 0;
  /** What is being shown; for good, once `output` has failed. */
  #showing: Promise<Stopped | undefined> | undefined;
  /** The terminal's descriptor while the program waits. */
  #held: number | undefined;
  readonly ended: Promise<ProcessExit>;

  constructor(command: PtyCommand, signal: AbortSignal) {
    this.#command = command;
    const startedAt = performance.now();
    const { child, terminal } = spawn(command, {
      data: (bytes) => this.#show(bytes),
      drain: () => this.#release(),
      exit: () => this.#closed.resolve(),
    });
    this.#child = child;
    this.#terminal = terminal;
    this.#device = deviceOf(child.pid);
    this.ended = this.#run({ pid: child.pid, startedAt }, signal);
    this.ended.catch(() => {});
  }

  write(bytes: Uint8Array): Promise<void> {
    const own = bytes.slice();
    this.#typing = this.#typing.then(() => this.#type(own));
    return this.#typing;
  }

  async #type(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#terminal.closed; at += TYPED_BYTES) {
      const taken = this.#typed = Promise.withResolvers();
      this.#terminal.write(bytes.subarray(at, at + TYPED_BYTES));
      await taken.promise;
    }
  }

  resize({ columns, rows }: TerminalSize): void {
    if (!this.#terminal.closed) this.#terminal.resize(columns, rows);
  }

  async #run(
    leader: { readonly pid: number; readonly startedAt: number },
    signal: AbortSignal,
  ): Promise<ProcessExit> {
    const { mark, graceMs } = this.#command;
    const child = this.#child;
    const abort = () => this.#stopped.resolve({ reason: signal.reason });
    signal.addEventListener("abort", abort, { once: true });
    const stopped = this.#stopped.promise;
    try {
      const stop = await Promise.race([child.exited.then(() => undefined), stopped]);
      if (stop !== undefined) {
        this.#terminal.close();
        await settlesWithin(child.exited, graceMs(stop.reason));
      }
      await killTree(`${mark.name}=${mark.value}`, leader);
      await child.exited;
      if (stop !== undefined) throw stop.reason;
      this.#goOn();
      await settlesWithin(this.#closed.promise, SILENCE_LIMIT_MS);
      while (this.#showing !== undefined) {
        const failed = await Promise.race([this.#showing, stopped]);
        if (failed !== undefined) throw failed.reason;
      }
      return child.signalCode === null
        ? { kind: "exited", code: child.exitCode ?? 0 }
        : { kind: "signalled", signal: String(child.signalCode) };
    } finally {
      signal.removeEventListener("abort", abort);
      this.#goOn();
      this.#terminal.close();
      this.#release();
    }
  }

  #release(): void {
    this.#typed?.resolve();
    this.#typed = undefined;
  }

  #show(bytes: Uint8Array): void {
    this.#shown.push(bytes.slice());
    this.#shownBytes += bytes.length;
    if (this.#shownBytes > MOST_WAITING_BYTES) this.#hold();
    this.#showing ??= this.#pump();
  }

  async #pump(): Promise<Stopped | undefined> {
    try {
      for (let bytes = this.#shown.shift(); bytes !== undefined; bytes = this.#shown.shift()) {
        await this.#command.output(bytes);
        this.#shownBytes -= bytes.length;
        if (this.#shownBytes < MOST_WAITING_BYTES / 2) this.#goOn();
      }
      this.#showing = undefined;
      return undefined;
    } catch (reason) {
      this.#stopped.resolve({ reason });
      return { reason };
    }
  }

  /** As Ctrl-S does. Where the device cannot be found, what comes is kept. */
  #hold(): void {
    if (this.#held !== undefined || this.#device === undefined) return;
    this.#held = openSync(this.#device, constants.O_RDWR | constants.O_NOCTTY);
    systemLibc()?.flow(this.#held, "hold");
  }

  #goOn(): void {
    if (this.#held === undefined) return;
    systemLibc()?.flow(this.#held, "go-on");
    closeSync(this.#held);
    this.#held = undefined;
  }
}

/** The script comes on the standard input, as it does without a terminal. */
const WITH_INPUT = ["sh", "-c", 'exec "$0" "$@" <&3 3<&-'];

function spawn(
  { argv, cwd, env, mark, stdin, size }: PtyCommand,
  on: { data(bytes: Uint8Array): void; drain(): void; exit(): void },
): { readonly child: Bun.Subprocess; readonly terminal: Bun.Terminal } {
  const command = stdin === undefined ? [...argv] : [...WITH_INPUT, ...argv];
  try {
    const child = Bun.spawn(command, {
      cwd,
      env: { ...env, [mark.name]: mark.value },
      ...(stdin === undefined ? {} : { stdio: [null, null, null, stdin] }),
      terminal: {
        cols: size.columns,
        rows: size.rows,
        data: (_, bytes) => on.data(bytes),
        drain: on.drain,
        exit: on.exit,
      },
    });
    if (child.terminal === undefined) throw new RunnerError("this system has no pseudo-terminals");
    return { child, terminal: child.terminal };
  } catch (cause) {
    throw new RunnerError(`Cannot start "${argv[0]}" on a terminal: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** The file of the terminal that the process has as its controlling one. Of Linux. */
function deviceOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may hold anything: state, parent, group, session, terminal.
    const number = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[4]);
    const [major, minor] = [(number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00)];
    return major === PTS_MAJOR ? `/dev/pts/${minor}` : undefined;
  } catch {
    return undefined;
  }
}

/** Of all terminals in /dev/pts. */
const PTS_MAJOR = 136;
