/** Bytes that are appended record by record and read once: in blocks, so that none is ever moved. */

const BLOCK_SIZE = 256 << 10;

export class ByteBlocks implements Iterable<Uint8Array> {
  readonly #full: Uint8Array[] = [];
  #block = Buffer.allocUnsafeSlow(0);
  #at = 0;
  #size = 0;

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** `write` has room for `most` bytes from `at` on, and says where it ended. */
  append(most: number, write: (block: Buffer, at: number) => number): void {
    if (this.#at + most > this.#block.length) {
      if (this.#at > 0) this.#full.push(this.#block.subarray(0, this.#at));
      this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_SIZE, most));
      this.#at = 0;
    }
    const end = write(this.#block, this.#at);
    this.#size += end - this.#at;
    this.#at = end;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    yield* this.#full;
    yield this.#block.subarray(0, this.#at);
  }
}
