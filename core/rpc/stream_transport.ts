/** Lines over a pair of byte streams: the two pipes between a process and its child. */

import { codeOf } from "../errors.ts";
import { LineSplitter } from "./framing.ts";
import type { Transport } from "./transport.ts";

/** Where lines go to: the sink of a pipe. */
export interface ByteSink {
  write(bytes: Uint8Array): unknown;
  flush(): number | Promise<number>;
  end(): unknown;
}

/** This much may wait for a reader before senders are made to wait too. */
const MOST_WAITING_BYTES = 1024 * 1024;

export interface StreamTransportOptions {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: ByteSink;
  readonly maxLineBytes: number;
}

/** Lines sent in one turn of the event loop leave together. */
export class StreamTransport implements Transport {
  readonly lines: AsyncIterable<string>;
  readonly #output: ByteSink;
  readonly #encoder = new TextEncoder();
  #batch: string[] = [];
  #waitingBytes = 0;
  #flushing: Promise<void> | undefined;
  #closed = false;

  constructor({ input, output, maxLineBytes }: StreamTransportOptions) {
    this.#output = output;
    this.lines = splitLines(input, maxLineBytes);
  }

  send(line: string): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#batch.push(line);
    this.#waitingBytes += line.length;
    this.#flushing ??= this.#flush();
    return this.#waitingBytes > MOST_WAITING_BYTES ? this.#flushing : undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const end = () => void this.#output.end();
    if (this.#flushing === undefined) end();
    else this.#flushing.then(end);
  }

  /** Never rejects: a reader that is gone shows as the end of its lines. */
  async #flush(): Promise<void> {
    await undefined;
    try {
      while (this.#batch.length > 0) {
        const text = `${this.#batch.join("\n")}\n`;
        this.#batch = [];
        this.#waitingBytes = 0;
        this.#output.write(this.#encoder.encode(text));
        await this.#output.flush();
      }
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#closed = true;
    } finally {
      this.#flushing = undefined;
    }
  }
}

async function* splitLines(
  input: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<string> {
  const splitter = new LineSplitter(maxLineBytes);
  for await (const chunk of input) yield* splitter.push(chunk);
}

function isGone(error: unknown): boolean {
  return ["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED"].includes(codeOf(error) ?? "");
}
