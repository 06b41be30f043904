/**
 * The file that keeps a trace until the coordinator has it: append-only, with the checksum and size
 * of exactly the bytes that are to be sent.
 */

import { closeSync, constants, openSync, read, readSync, write } from "node:fs";
import type { TraceChecksum } from "../coordinator/coordinator.ts";
import { messageOf, SystemFailure } from "../errors.ts";

export interface SpoolEvents {
  /** More bytes can be read. */
  onStored?(): void;
  /** The disk refuses the trace; called at most once. */
  onFailure?(failure: SystemFailure): void;
}

/** One write to the disk; a chatty job's many small writes are gathered until the turn's end. */
const BLOCK_BYTES = 64 * 1024;

/** What most jobs print in one turn: hundreds of jobs may hold such a block for hours. */
const FIRST_BLOCK_BYTES = 8 * 1024;

/** Unwritten bytes from which on a writer has to wait for the disk. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** Room for the runner's own lines in memory, once the disk has failed. */
const LAST_WORDS_BYTES = 64 * 1024;

const copyRange = Buffer.prototype.copy;

/** Bytes on their way to the disk: `[written, filled)` is not there yet. */
interface Block {
  readonly bytes: Buffer;
  written: number;
  filled: number;
}

export class Spool implements AsyncDisposable {
  readonly path: string;
  readonly #fd: number;
  readonly #events: SpoolEvents;
  readonly #blocks: Block[] = [];
  /** An empty block to use again: a long log would leave thousands to the garbage collector. */
  #spare: Block | undefined;
  #stored: number;
  #size: number;
  /** Checksum of the stored bytes. */
  #crc: number;
  #scheduled = false;
  #draining: Promise<void> | undefined;
  #failure: SystemFailure | undefined;
  #lastWordsLeft = LAST_WORDS_BYTES;
  #sealed = false;
  #closed = false;

  /** Creates the file, readable for this user alone; fails when something is there already. */
  static create(path: string, events: SpoolEvents = {}): Spool {
    return new Spool(path, openSync(path, "wx+", 0o600), { crc32: 0, size: 0 }, events);
  }

  /** Opens the trace that an earlier process left. Reads it once, for its checksum. */
  static open(path: string, events: SpoolEvents = {}): Spool {
    const fd = openSync(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
    try {
      return new Spool(path, fd, checksumOf(fd), events);
    } catch (thrown) {
      closeSync(fd);
      throw thrown;
    }
  }

  /** Takes over `fd`, which holds `content` already. */
  constructor(path: string, fd: number, content: TraceChecksum, events: SpoolEvents = {}) {
    this.path = path;
    this.#fd = fd;
    this.#events = events;
    this.#stored = this.#size = content.size;
    this.#crc = content.crc32;
  }

  /** All bytes taken so far. */
  get size(): number {
    return this.#size;
  }

  /** How many bytes can be read: those on the disk, or all once the disk has failed. */
  get readable(): number {
    return this.#failure === undefined ? this.#stored : this.#size;
  }

  /** Why nothing more is written to the disk. */
  get failure(): SystemFailure | undefined {
    return this.#failure;
  }

  /**
   * Takes `bytes[start, end)`. After the disk has failed, only what is marked `vital` is taken, into
   * memory and up to 64 KiB, so that the trace still says why the job failed.
   */
  append(bytes: Uint8Array, start: number, end: number, vital: boolean): void {
    if (this.#sealed) return;
    if (this.#failure !== undefined) {
      if (!vital || end - start > this.#lastWordsLeft) return;
      this.#lastWordsLeft -= end - start;
    }
    let at = start;
    while (at < end) {
      let block = this.#blocks[this.#blocks.length - 1];
      if (block === undefined || block.filled === block.bytes.length) {
        if (block !== undefined) this.#drainSoon();
        block = this.#spare ?? emptyBlock(block === undefined ? FIRST_BLOCK_BYTES : BLOCK_BYTES);
        this.#spare = undefined;
        this.#blocks.push(block);
      }
      const length = Math.min(end - at, block.bytes.length - block.filled);
      copyRange.call(bytes, block.bytes, block.filled, at, at + length);
      block.filled += length;
      at += length;
    }
    this.#size += end - start;
    this.#scheduleDrain();
  }

  /** Takes no more bytes, so that the checksum stays that of what is sent. */
  seal(): void {
    this.#sealed = true;
  }

  /** Undefined when more may be appended at once, else settles when the disk has caught up. */
  backpressure(): Promise<void> | undefined {
    return this.#size - this.readable < HIGH_WATER_BYTES ? undefined : this.flush();
  }

  /** Settles when every byte taken so far is on the disk, or the disk has failed. */
  async flush(): Promise<void> {
    while (this.readable < this.#size) await this.#drainSoon();
  }

  /** Up to `length` bytes from `offset` on; fewer where the readable part ends. */
  async read(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.readable - offset));
    const bytes = Buffer.allocUnsafe(wanted);
    const onDisk = Math.max(0, Math.min(wanted, this.#stored - offset));
    let got = 0;
    while (got < onDisk) {
      const taken = await transfer(read, this.#fd, bytes.subarray(got, onDisk), offset + got);
      if (taken === 0) {
        throw new SystemFailure(
          `Cannot read the job's trace back: "${this.path}" ends at ${offset + got} bytes`,
        );
      }
      got += taken;
    }
    if (got < wanted) this.#copyUnwritten(offset + got, bytes, got);
    return bytes;
  }

  /** Checksum and size of all bytes taken so far. */
  checksum(): TraceChecksum {
    let crc = this.#crc;
    for (const block of this.#blocks) {
      crc = Bun.hash.crc32(block.bytes.subarray(block.written, block.filled), crc);
    }
    return { crc32: crc, size: this.#size };
  }

  /** Writes what is left and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = this.#sealed = true;
    await this.flush();
    await this.#draining;
    closeSync(this.#fd);
  }

  #scheduleDrain(): void {
    if (this.#scheduled || this.#draining !== undefined || this.#failure !== undefined) {
      if (this.#failure !== undefined) this.#events.onStored?.();
      return;
    }
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#drainSoon();
    });
  }

  #drainSoon(): Promise<void> {
    if (this.#draining === undefined && this.#unwritten() !== undefined) {
      this.#draining = this.#drain();
    }
    return this.#draining ?? Promise.resolve();
  }

  async #drain(): Promise<void> {
    try {
      for (let block = this.#unwritten(); block !== undefined; block = this.#unwritten()) {
        await this.#writeOut(block);
        this.#events.onStored?.();
      }
    } catch (thrown) {
      this.#failure = new SystemFailure(
        `Cannot write the job's trace to "${this.path}": ${messageOf(thrown)}`,
        { cause: thrown },
      );
      this.#events.onFailure?.(this.#failure);
      this.#events.onStored?.();
    } finally {
      // In the same turn as the last look for unwritten bytes: later ones start a new drain.
      this.#draining = undefined;
    }
  }

  #unwritten(): Block | undefined {
    if (this.#failure !== undefined) return undefined;
    const block = this.#blocks[0];
    return block !== undefined && block.written < block.filled ? block : undefined;
  }

  async #writeOut(block: Block): Promise<void> {
    const { written, filled, bytes } = block;
    const length = await transfer(write, this.#fd, bytes.subarray(written, filled), this.#stored);
    this.#crc = Bun.hash.crc32(bytes.subarray(written, written + length), this.#crc);
    block.written += length;
    this.#stored += length;
    if (block.written < block.filled) return;
    block.written = block.filled = 0;
    if (this.#blocks.length === 1) return;
    this.#blocks.shift();
    if (bytes.length === BLOCK_BYTES) this.#spare = block;
  }

  /** Copies what only memory has, from position `offset` of the trace on, to the rest of `target`. */
  #copyUnwritten(offset: number, target: Buffer, targetStart: number): void {
    let position = this.#stored;
    let at = targetStart;
    for (const block of this.#blocks) {
      const from = block.written + Math.max(0, offset - position);
      position += block.filled - block.written;
      if (from < block.filled) at += block.bytes.copy(target, at, from, block.filled);
    }
  }
}

function emptyBlock(length: number): Block {
  return { bytes: Buffer.allocUnsafeSlow(length), written: 0, filled: 0 };
}

function checksumOf(fd: number): TraceChecksum {
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  let crc = 0;
  let size = 0;
  for (let got = readSync(fd, buffer, 0, BLOCK_BYTES, 0); got > 0;) {
    crc = Bun.hash.crc32(buffer.subarray(0, got), crc);
    size += got;
    got = readSync(fd, buffer, 0, BLOCK_BYTES, size);
  }
  return { crc32: crc, size };
}

type Transfer = (
  fd: number,
  bytes: Buffer,
  offset: number,
  length: number,
  position: number,
  done: (error: Error | null, length: number) => void,
) => void;

/** Resolves with the number of bytes that were read, 0 behind the file's end, or written. */
function transfer(call: Transfer, fd: number, bytes: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    call(
      fd,
      bytes,
      0,
      bytes.length,
      position,
      (error, length) => error === null ? resolve(length) : reject(error),
    )
  );
}
