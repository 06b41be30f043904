/** How many bytes of a job's output may still be sent before the other side has taken some. */

/** Larger pieces make longer lines and no difference. */
const LARGEST_PIECE_BYTES = 16 * 1024;

export class OutputWindow {
  #free: number;
  #isClosed = false;
  readonly #waiting: (() => void)[] = [];

  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** Sends `bytes` in pieces of base64, each when there is room for it; all are dropped once closed. */
  async send(
    bytes: Uint8Array,
    send: (base64: string) => Promise<void> | undefined,
  ): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const size = await this.#take(Math.min(bytes.length - from, LARGEST_PIECE_BYTES));
      if (size === 0) return;
      await send(Buffer.from(bytes.buffer, bytes.byteOffset + from, size).toString("base64"));
      from += size;
    }
  }

  /** The other side has taken `bytes`. */
  give(bytes: number): void {
    this.#free += bytes;
    this.#wakeAll();
  }

  /** The other side will never take anything again. */
  close(): void {
    this.#isClosed = true;
    this.#wakeAll();
  }

  /** Up to `wanted` bytes of the window, waiting while it is empty; 0 once it is closed. */
  async #take(wanted: number): Promise<number> {
    while (this.#free <= 0 && !this.#isClosed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    if (this.#isClosed) return 0;
    const taken = Math.min(wanted, this.#free);
    this.#free -= taken;
    return taken;
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
