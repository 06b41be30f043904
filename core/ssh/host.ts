/** A machine that we log in to, over as few connections as its server allows. */

import { SystemFailure } from "../errors.ts";
import { abortable, delay } from "../util/abort.ts";
import { connect } from "./connect.ts";
import { ChannelRefused, type SshConnection, type SshTarget } from "./connection.ts";
import type { ProcessSinks, SshProcess } from "./process.ts";

/** Starts programs on a machine; {@link SshConnection} and {@link SshHost} do. */
export interface SshStarter {
  /** `command` is text for the login shell of the user. Throws SystemFailure. */
  start(
    command: string,
    sinks: ProcessSinks,
    options: { signal: AbortSignal },
  ): Promise<SshProcess>;
}

/** One connection, and what it carries. */
interface Line {
  readonly connection: SshConnection;
  /** Programs that run or are about to. */
  programs: number;
  /** Those that run. */
  running: number;
  /** It has carried a program: that the server refuses one has to do with others. */
  isProven: boolean;
  idle: ReturnType<typeof setTimeout> | undefined;
}

/** Stages of a job follow each other at once, and often jobs do. */
const IDLE_MS = 60_000;

/** A server counts a program for a moment after its end, so one refusal tells nothing of its limit. */
const REFUSED_PAUSE_MS = 50;
const REFUSED_TRIES = 5;

export class SshHost implements SshStarter, AsyncDisposable {
  readonly #target: SshTarget;
  readonly #disposal = new AbortController();
  #lines: Line[] = [];
  #opening: Promise<void> | undefined;
  /** Programs at a time over one connection (`MaxSessions`), as learned from refusals and starts. */
  #most = Infinity;

  constructor(target: SshTarget) {
    this.#target = target;
  }

  get isConnected(): boolean {
    return this.#opening !== undefined || this.#lines.some(({ connection }) => connection.isOpen);
  }

  /**
   * Over a connection that has room, else over a new one. What was not started for a connection that
   * had broken unseen is started over the next.
   */
  async start(
    command: string,
    sinks: ProcessSinks,
    options: { signal: AbortSignal },
  ): Promise<SshProcess> {
    for (let refusals = 0;;) {
      const line = await this.#take(options.signal);
      const wasProven = line.isProven;
      try {
        const process = await line.connection.start(command, sinks, options);
        line.isProven = true;
        line.running++;
        this.#most = Math.max(this.#most, line.running);
        void process.closed.then(() => {
          line.running--;
          this.#release(line);
        });
        return process;
      } catch (error) {
        this.#release(line);
        options.signal.throwIfAborted();
        if (!(error instanceof ChannelRefused)) {
          if (wasProven && !line.connection.isOpen) continue;
          throw error;
        }
        if (++refusals % REFUSED_TRIES !== 0) await delay(REFUSED_PAUSE_MS, options);
        else if (line.programs > 0) this.#most = Math.min(this.#most, line.programs);
        else if (wasProven) await this.#close(line);
        else throw error;
      }
    }
  }

  /** Closes all connections; what runs over them ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal.abort(new SystemFailure("The runner does not need the SSH server any more"));
    await Promise.all(this.#lines.map((line) => this.#close(line)));
  }

  async #take(signal: AbortSignal): Promise<Line> {
    for (;;) {
      this.#disposal.signal.throwIfAborted();
      this.#lines = this.#lines.filter(({ connection }) => connection.isOpen);
      const line = this.#lines.find(({ programs }) => programs < this.#most);
      if (line !== undefined) {
        line.programs++;
        clearTimeout(line.idle);
        return line;
      }
      // Whoever else waits is served as well, so the wait of one does not end the attempt.
      this.#opening ??= this.#open().finally(() => this.#opening = undefined);
      this.#opening.catch(() => {});
      await abortable(this.#opening, signal);
    }
  }

  async #open(): Promise<void> {
    const connection = await connect(this.#target, { signal: this.#disposal.signal });
    const line = { connection, programs: 1, running: 0, isProven: false, idle: undefined };
    this.#lines.push(line);
    this.#release(line);
  }

  #release(line: Line): void {
    line.programs--;
    if (line.programs > 0) return;
    clearTimeout(line.idle);
    line.idle = setTimeout(() => void this.#close(line), IDLE_MS);
    line.idle.unref();
  }

  async #close(line: Line): Promise<void> {
    clearTimeout(line.idle);
    this.#lines = this.#lines.filter((each) => each !== line);
    await line.connection[Symbol.asyncDispose]();
  }
}
