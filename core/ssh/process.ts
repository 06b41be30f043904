/** A program on the other side of an SSH connection. */

import type { ClientChannel } from "ssh2";
import type { SystemFailure } from "../errors.ts";
import { freeBytes } from "../util/free_bytes.ts";

export interface ProcessSinks {
  /**
   * As of an executor's output: one piece at a time, the promise is backpressure. Never rejects. The
   * bytes are gone after it, at once when it is undefined.
   */
  readonly output: (bytes: Uint8Array) => Promise<void> | undefined;
  /** What it writes to its standard error, gone at the return; the caller bounds what it keeps. */
  readonly errors: (bytes: Uint8Array) => void;
}

export type SshEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string };

export class SshProcess {
  readonly #channel: ClientChannel;
  readonly #ended = Promise.withResolvers<SshEnd>();
  readonly #closed = Promise.withResolvers<void>();
  #end: SshEnd | undefined;
  #writing: Promise<void> | undefined;

  constructor(channel: ClientChannel, sinks: ProcessSinks, lost: () => SystemFailure) {
    this.#channel = channel;
    this.#ended.promise.catch(() => {});
    channel.on("data", (bytes: Buffer) => this.#take(bytes, sinks));
    channel.stderr.on("data", (bytes: Buffer) => {
      sinks.errors(bytes);
      freeBytes(bytes);
    });
    channel.on("error", () => {});
    channel.on("exit", (code: number | null, signal?: string) => {
      if (code !== null) this.#end = { kind: "exited", code };
      else if (signal !== undefined) this.#end = { kind: "signalled", signal };
    });
    channel.on("close", async () => {
      this.#closed.resolve();
      await this.#writing;
      // A connection that breaks closes its channels without a word.
      if (this.#end === undefined) this.#ended.reject(lost());
      else this.#ended.resolve(this.#end);
    });
  }

  /** Settles when all it printed was taken. Rejects with SystemFailure when the connection broke. */
  get ended(): Promise<SshEnd> {
    return this.#ended.promise;
  }

  /** Settles when the server is done with it, which may be after it was abandoned. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Adds to its standard input. Resolves when the server has room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.#channel.writable) return;
    this.#channel.write(bytes, () => resolve());
    await Promise.race([promise, this.#ended.promise.catch(() => {})]);
  }

  /** Closes its standard input. */
  endInput(): void {
    this.#channel.end();
  }

  /** Gives it up: nothing of it is waited for any more, and `ended` rejects with `reason`. */
  abandon(reason: unknown): void {
    this.#ended.reject(reason);
    this.#channel.close();
  }

  #take(bytes: Buffer, { output }: ProcessSinks): void {
    const taken = output(bytes);
    if (taken === undefined) return freeBytes(bytes);
    this.#channel.pause();
    this.#writing = taken.then(() => {
      freeBytes(bytes);
      this.#channel.resume();
    });
  }
}
