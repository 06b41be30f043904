/** One open connection to an engine: bytes in and out, with aborts and faults told apart. */

import type { Duplex } from "node:stream";
import { EngineError } from "./engine_error.ts";

/** Of a connection that waits for its next call. */
const NEVER = new AbortController().signal;

/**
 * One reader and one writer at a time, for one call after another. Every method rejects with the
 * reason of the call's signal on abort, which closes the connection.
 */
export class Connection implements Disposable {
  readonly #socket: Duplex;
  readonly #address: string;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #onClose: (closed: Connection) => void;
  #signal: AbortSignal;
  /** The next bytes, which are listened for between two calls. */
  #ahead: Promise<IteratorResult<Uint8Array>> | undefined;
  #pending: Uint8Array = new Uint8Array(0);
  #closedBecause: Error | undefined;

  constructor(
    socket: Duplex,
    options: { address: string; signal: AbortSignal; onClose: (closed: Connection) => void },
  ) {
    this.#socket = socket;
    this.#address = options.address;
    this.#onClose = options.onClose;
    this.#chunks = socket[Symbol.asyncIterator]();
    this.#signal = options.signal;
    this.use(options.signal);
  }

  get isClosed(): boolean {
    return this.#closedBecause !== undefined;
  }

  /** For a call with this signal. */
  use(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener("abort", this.#abort, { once: true });
    if (signal.aborted) this.#abort();
  }

  /**
   * Between two calls: whatever comes then, the other side's end or something that nobody asked
   * for, closes it.
   */
  rest(): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#signal = NEVER;
    if (this.#pending.length > 0) return this[Symbol.dispose]();
    const ahead = this.#chunks.next();
    this.#ahead = ahead;
    const spoil = () => {
      if (this.#ahead === ahead && this.#signal === NEVER) this[Symbol.dispose]();
    };
    ahead.then(spoil, spoil);
  }

  /** The next bytes, `most` at most; undefined when the other side has closed. */
  async read(most = Infinity): Promise<Uint8Array | undefined> {
    const bytes = this.#pending.length > 0 ? this.#pending : await this.#receive();
    if (bytes === undefined) return undefined;
    this.#pending = bytes.subarray(Math.min(most, bytes.length));
    return bytes.subarray(0, bytes.length - this.#pending.length);
  }

  /** Everything before `marker`, which is taken away too. */
  async readUntil(marker: string, limit: number): Promise<string> {
    let bytes = this.#pending;
    for (;;) {
      const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(marker);
      if (end >= 0) {
        this.#pending = bytes.subarray(end + marker.length);
        return new TextDecoder("latin1").decode(bytes.subarray(0, end));
      }
      if (bytes.length > limit) {
        throw new EngineError("server", `What answers at "${this.#address}" is no Docker Engine`);
      }
      const more = await this.#receive();
      if (more === undefined) throw this.lost();
      bytes = Buffer.concat([bytes, more]);
    }
  }

  /** Resolves when the system has taken the bytes. */
  async send(bytes: Uint8Array | string): Promise<void> {
    this.#signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.write(bytes, (error) => error ? reject(error) : resolve());
    try {
      await promise;
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  /** Closes the writing side; reading goes on. */
  endInput(): void {
    this.#socket.end();
  }

  /** What is thrown when the other side closed too early. */
  lost(cause?: unknown): EngineError {
    return EngineError.lost(this.#address, cause);
  }

  /** Closes at once; whoever reads or writes is told `why`. */
  close(why: Error): void {
    if (this.#closedBecause !== undefined) return;
    this.#closedBecause = why;
    this.#signal.removeEventListener("abort", this.#abort);
    this.#socket.destroy(why);
    this.#onClose(this);
  }

  [Symbol.dispose](): void {
    this.close(new EngineError("unreachable", "The connection to the Docker Engine is closed"));
  }

  readonly #abort = () => this.close(this.#signal.reason);

  async #receive(): Promise<Uint8Array | undefined> {
    try {
      const ahead = this.#ahead;
      this.#ahead = undefined;
      const next = await (ahead ?? this.#chunks.next());
      if (this.#closedBecause !== undefined) throw this.#closedBecause;
      return next.done ? undefined : next.value;
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  #faultOf(error: unknown): unknown {
    return this.#closedBecause ?? (error instanceof EngineError ? error : this.lost(error));
  }
}
