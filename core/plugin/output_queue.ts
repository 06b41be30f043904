/** Output that has come from a plugin and waits for the job's log, in its order. */

import type { OutputSink } from "../executor.ts";
import { ProtocolViolation } from "../rpc/message.ts";

type Stream = "stdout" | "stderr" | undefined;

export interface OutputQueueOptions {
  /** More than this may never wait. */
  readonly windowBytes: number;
  /** `bytes` are taken, or given up. */
  readonly onTaken: (bytes: number) => void;
}

/** Bytes that wait, with where they change from one stream to the other. */
interface Batch {
  readonly buffer: Buffer;
  size: number;
  readonly parts: { readonly stream: Stream; from: number }[];
}

/**
 * Writes what has come meanwhile in one piece: a slow log gets few large ones. Two buffers take
 * turns, one that fills and one that is being written, so that a flood leaves no garbage.
 */
export class OutputQueue {
  readonly #options: OutputQueueOptions;
  #filling: Batch;
  #writing: Batch;
  #waitingBytes = 0;
  #pumping: Promise<void> | undefined;
  #sink: OutputSink | undefined;
  #onFailure: (error: unknown) => void = () => {};

  constructor(options: OutputQueueOptions) {
    this.#options = options;
    const batch = () => ({ buffer: Buffer.alloc(0), size: 0, parts: [] });
    this.#filling = batch();
    this.#writing = batch();
  }

  /** From now on output goes to `sink`; without one, or once it has failed, it is dropped. */
  writeTo(sink: OutputSink, onFailure: (error: unknown) => void): void {
    this.#sink = sink;
    this.#onFailure = onFailure;
  }

  /** Throws ProtocolViolation for more than the window. */
  push(base64: string, stream: Stream): void {
    const { windowBytes } = this.#options;
    const most = Buffer.byteLength(base64, "base64");
    if (this.#waitingBytes + most > windowBytes) {
      throw new ProtocolViolation("It sends more output than it was granted");
    }
    const batch = this.#filling = withRoom(this.#filling, windowBytes);
    const written = batch.buffer.write(base64, batch.size, "base64");
    if (written === 0) return;
    if (batch.parts.at(-1)?.stream !== stream || batch.parts.length === 0) {
      batch.parts.push({ stream, from: batch.size });
    }
    batch.size += written;
    this.#waitingBytes += written;
    this.#pumping ??= this.#pump();
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#pumping;
  }

  async #pump(): Promise<void> {
    // What comes in the same turn goes out together.
    await undefined;
    while (this.#filling.size > 0) {
      [this.#filling, this.#writing] = [this.#writing, this.#filling];
      const batch = this.#writing;
      for (const [index, { stream, from }] of batch.parts.entries()) {
        const to = batch.parts[index + 1]?.from ?? batch.size;
        // No Buffer, whose `slice` would not copy.
        const { buffer, byteOffset } = batch.buffer;
        await this.#write(new Uint8Array(buffer, byteOffset + from, to - from), stream);
      }
      batch.size = 0;
      batch.parts.length = 0;
    }
    this.#pumping = undefined;
  }

  async #write(bytes: Uint8Array, stream: Stream): Promise<void> {
    try {
      await this.#sink?.write(bytes, stream);
    } catch (error) {
      this.#sink = undefined;
      this.#onFailure(error);
    }
    this.#waitingBytes -= bytes.length;
    this.#options.onTaken(bytes.length);
  }
}

/** Most jobs print little: the buffer is made when the first byte comes. */
function withRoom(batch: Batch, bytes: number): Batch {
  return batch.buffer.length === 0 ? { ...batch, buffer: Buffer.allocUnsafe(bytes) } : batch;
}
