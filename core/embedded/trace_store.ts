/** A job's trace as the coordinator keeps it: append-only bytes in a file, with size and CRC-32. */

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

import { Bell } from "./bell.ts";

/** Bytes handed to a follower at once. */
const READ_BYTES = 256 * 1024;

export class TraceStore {
  readonly #path: string;
  readonly #bell = new Bell();
  #fd: number | undefined;
  #size = 0;
  #crc32 = 0;
  #complete = false;

  /** `path` is created with the first byte, readable by its owner only. */
  constructor(path: string) {
    this.#path = path;
  }

  get size(): number {
    return this.#size;
  }

  get isComplete(): boolean {
    return this.#complete;
  }

  /** As a runner sends it: `crc32:` and eight hex digits. */
  get checksum(): string {
    return `crc32:${this.#crc32.toString(16).padStart(8, "0")}`;
  }

  /** Synchronous on purpose: the offset check and the append must not be torn apart. */
  append(bytes: Uint8Array): void {
    this.#fd ??= openSync(this.#path, "w+", 0o600);
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(
        this.#fd,
        bytes,
        written,
        bytes.length - written,
        this.#size + written,
      );
    }
    this.#size += bytes.length;
    this.#crc32 = crc32(bytes, this.#crc32);
    this.#bell.ring();
  }

  /** Puts `bytes` in place of everything: the whole-log update of the v11.7 era. */
  replace(bytes: Uint8Array): void {
    if (this.#fd !== undefined) ftruncateSync(this.#fd, 0);
    this.#size = 0;
    this.#crc32 = 0;
    this.append(bytes);
  }

  /** Drops the last bytes, as a coordinator does that lost them. */
  truncate(size: number): void {
    if (this.#size > size) this.replace(readFileSync(this.#path).subarray(0, size));
  }

  /** No more bytes will come: followers end, the file is closed. */
  complete(): void {
    this.#complete = true;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#bell.ring();
  }

  bytes(from = 0): Promise<Uint8Array> {
    if (this.#size <= from) return Promise.resolve(new Uint8Array());
    return Bun.file(this.#path).slice(from, this.#size).bytes();
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /** Resolves when more than `size` bytes are there; false when none will come. */
  async growsBeyond(size: number, options: { signal?: AbortSignal } = {}): Promise<boolean> {
    while (this.#size <= size) {
      if (this.#complete) return false;
      if (await this.#bell.wait(Infinity, options) === "gone") return false;
    }
    return true;
  }

  /** The trace from its start, and with `follow` all that is still to come. */
  async *read(options: { follow: boolean; signal?: AbortSignal }): AsyncGenerator<Uint8Array> {
    let offset = 0;
    while (options.signal?.aborted !== true) {
      if (offset < this.#size) {
        const end = Math.min(this.#size, offset + READ_BYTES);
        yield await Bun.file(this.#path).slice(offset, end).bytes();
        offset = end;
      } else if (!options.follow || !await this.growsBeyond(offset, options)) return;
    }
  }
}
