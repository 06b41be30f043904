/** Takes exact numbers of bytes from a stream of chunks. */

import { ArchiveError } from "./entry.ts";

const NOTHING = Buffer.alloc(0);

/** One reader at a time; disposing closes the source. */
export class ByteReader implements AsyncDisposable {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer = NOTHING;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Between 1 and `limit` bytes, as they come; an ArchiveError at the end of the stream. */
  async some(limit: number): Promise<Buffer> {
    if (this.#held.length === 0) this.#held = await this.#next();
    const taken = this.#held.subarray(0, limit);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  async exactly(length: number): Promise<Buffer> {
    if (this.#held.length >= length) return length === 0 ? NOTHING : await this.some(length);
    const parts: Buffer[] = [];
    for (let left = length; left > 0;) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) left -= (await this.some(left)).length;
  }

  async #next(): Promise<Buffer> {
    for (;;) {
      const { value, done } = await this.#source.next();
      if (done === true) throw new ArchiveError("The archive is cut off");
      if (value.length > 0) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.return?.();
  }
}
