/** Reads a file at any place through one large window, so that neighbours cost one system call. */

import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { ArchiveError } from "./entry.ts";
import { readAt } from "./read_at.ts";

const WINDOW_SIZE = 4 << 20;

/** An open file of a size that does not change. What `read` returns is valid until the next read. */
export class WindowedFile implements Disposable {
  readonly size: number;
  /** Open until this is disposed of. */
  readonly fd: number;
  readonly #window: Buffer;
  #start = 0;
  #filled = 0;

  constructor(path: string) {
    this.fd = openSync(path, constants.O_RDONLY);
    this.size = fstatSync(this.fd).size;
    this.#window = Buffer.allocUnsafe(Math.min(WINDOW_SIZE, this.size));
  }

  /** Exactly `length` bytes from `offset`; an ArchiveError when the file has not got them. */
  read(offset: number, length: number): Buffer {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw new ArchiveError("The archive is cut off");
    }
    if (length > this.#window.length) {
      const buffer = Buffer.allocUnsafe(length);
      if (readAt(this.fd, buffer, offset) < length) {
        throw new ArchiveError("The archive is cut off");
      }
      return buffer;
    }
    if (offset < this.#start || offset + length > this.#start + this.#filled) {
      this.#start = offset;
      this.#filled = readAt(this.fd, this.#window, offset);
      if (this.#filled < length) throw new ArchiveError("The archive is cut off");
    }
    return this.#window.subarray(offset - this.#start, offset - this.#start + length);
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
