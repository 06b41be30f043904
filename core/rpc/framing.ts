/** Lines out of bytes: one message per line, however the bytes were cut into chunks. */

import { ProtocolViolation } from "./message.ts";

const NEWLINE = 0x0a;

/** Keeps at most one line that has not ended yet. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** Room that grows with the longest line: bytes may come one by one. */
  #rest = Buffer.alloc(0);
  #restBytes = 0;

  /** No line, its end included, may be longer than `maxBytes`. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The lines that end in `chunk`, without their ends and without empty ones. The chunk may be used
   * again afterwards. Throws ProtocolViolation for a line that is too long or no UTF-8.
   */
  *push(chunk: Uint8Array): Generator<string> {
    let from = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, from)) >= 0; from = end + 1) {
      const line = this.#take(chunk.subarray(from, end));
      if (line !== "") yield line;
    }
    const rest = chunk.subarray(from);
    this.#check(rest.length);
    this.#keep(rest);
  }

  #take(end: Uint8Array): string {
    this.#check(end.length + 1);
    let bytes = end;
    if (this.#restBytes > 0) {
      this.#keep(end);
      bytes = this.#rest.subarray(0, this.#restBytes);
      this.#restBytes = 0;
    }
    try {
      return this.#decoder.decode(bytes).replace(/\r$/, "");
    } catch (cause) {
      throw new ProtocolViolation("A line is no UTF-8", { cause });
    }
  }

  #keep(bytes: Uint8Array): void {
    const needed = this.#restBytes + bytes.length;
    if (needed > this.#rest.length) {
      const room = Buffer.allocUnsafe(Math.min(2 * needed, this.#maxBytes));
      this.#rest.copy(room, 0, 0, this.#restBytes);
      this.#rest = room;
    }
    this.#rest.set(bytes, this.#restBytes);
    this.#restBytes = needed;
  }

  #check(more: number): void {
    if (this.#restBytes + more <= this.#maxBytes) return;
    throw new ProtocolViolation(`A line is longer than ${this.#maxBytes} bytes`);
  }
}
