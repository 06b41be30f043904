/** A running program as one byte stream: what is written is its input, what is read its output. */

import { type ChildProcess, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { messageOf } from "../errors.ts";
import { delay } from "./abort.ts";

export interface StreamCommand {
  readonly argv: readonly [string, ...string[]];
  /** The complete environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** What the reader or writer is told when the program fails. `hasAnswered`: it has printed. */
  readonly failure: (why: string, hasAnswered: boolean) => Error;
}

/** Enough of a program's complaints to understand them. Characters. */
const MOST_COMPLAINT = 4096;

/** What a program said before it ended is there at once. */
const LAST_WORDS_MS = 200;

/**
 * Starts the program. Ending the writing side closes its input and leaves the reading side open.
 * Destroying the stream ends the program. Exit code 0 is the end of the output; any other end is
 * a failure with the program's own words.
 */
export function openProcessStream(command: StreamCommand): Duplex {
  return new ProcessStream(command);
}

class ProcessStream extends Duplex {
  readonly #child: ChildProcess;
  readonly #command: StreamCommand;
  readonly #ended: Promise<Error | undefined>;
  #complaint = "";
  #hasAnswered = false;

  constructor(command: StreamCommand) {
    super({ allowHalfOpen: true });
    this.#command = command;
    const [program, ...args] = command.argv;
    this.#child = spawn(program, args, { env: command.env, stdio: ["pipe", "pipe", "pipe"] });
    this.#ended = this.#end();
    const { stdout, stderr } = this.#child;
    stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaint = (this.#complaint + text).slice(0, MOST_COMPLAINT);
    });
    stdout?.on("data", (chunk: Uint8Array) => {
      this.#hasAnswered = true;
      if (!this.push(chunk)) stdout.pause();
    });
    // Whoever reads or writes is told; without listeners these would end this process.
    this.on("error", () => {});
    this.#child.stdin?.on("error", () => {});
    void this.#ended.then((fault) => fault === undefined ? this.push(null) : this.destroy(fault));
  }

  override _read(): void {
    this.#child.stdout?.resume();
  }

  override _write(
    chunk: Uint8Array,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#child.stdin?.write(chunk, (error) => {
      // A program that takes no input any more has a reason, which it tells by its end.
      if (error) void this.#ended.then((fault) => done(fault ?? error));
      else done();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin?.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill("SIGTERM");
    done(error);
  }

  /** Resolves when the program has ended and all it printed was taken, with what was wrong. */
  async #end(): Promise<Error | undefined> {
    const { stdout, stderr } = this.#child;
    const closed = once(stderr, "close");
    const why = await Promise.race([this.#exit(), this.#startFault()]);
    if (why !== undefined) {
      // What it left in the background may hold its standard error open for good.
      await Promise.race([closed, delay(LAST_WORDS_MS)]);
    }
    stdout?.destroy();
    stderr?.destroy();
    return why === undefined ? undefined : this.#command.failure(this.#say(why), this.#hasAnswered);
  }

  async #startFault(): Promise<string> {
    const [error] = await once(this.#child, "error");
    return messageOf(error);
  }

  /** Undefined: as it should. */
  async #exit(): Promise<string | undefined> {
    const ended = once(this.#child.stdout, "end");
    const [code, signal] = await once(this.#child, "exit");
    if (code !== 0) {
      return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    }
    await ended;
    return undefined;
  }

  #say(why: string): string {
    const words = this.#complaint.trim();
    return `"${this.#command.argv[0]}" ${why}${words === "" ? "" : `: ${words}`}`;
  }
}

/** The values of the next event of this name. */
function once(emitter: NodeJS.EventEmitter | null, name: string): Promise<unknown[]> {
  return new Promise((resolve) => emitter?.once(name, (...values) => resolve(values)));
}
