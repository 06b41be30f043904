/** One end of a terminal's bytes between host and plugin. */

import type { OutputSink } from "../executor.ts";
import { OutputQueue } from "./output_queue.ts";
import { OutputWindow } from "./output_window.ts";

export interface TerminalChannelOptions {
  /** So many bytes may be on the way, each way. */
  readonly windowBytes: number;
  readonly send: (base64: string) => Promise<void> | undefined;
  /** So many bytes of the other side's are taken. */
  readonly credit: (bytes: number) => void;
}

/** What is sent waits for the other side's credit; what comes is taken in its order. */
export class TerminalChannel {
  readonly #options: TerminalChannelOptions;
  readonly #window: OutputWindow;
  readonly #queue: OutputQueue;

  constructor(options: TerminalChannelOptions) {
    const { windowBytes, credit } = options;
    this.#options = options;
    this.#window = new OutputWindow(windowBytes);
    this.#queue = new OutputQueue({ windowBytes, onTaken: credit });
  }

  /** Resolves when all of `bytes` is sent, or nobody is there any more. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#window.send(bytes, this.#options.send);
  }

  /** The other side has taken `bytes`. */
  give(bytes: number): void {
    this.#window.give(bytes);
  }

  /** Throws ProtocolViolation for more than the window. */
  receive(base64: string): void {
    this.#queue.push(base64, undefined);
  }

  /** Where what comes, and has come, goes to. */
  deliverTo(sink: OutputSink, onFailure: (error: unknown) => void): void {
    this.#queue.writeTo(sink, onFailure);
  }

  /** Resolves when all that came is taken. */
  async drain(): Promise<void> {
    await this.#queue.drain();
  }

  /** Nobody gives credit any more: who waits for it goes on, and nothing is sent. */
  close(): void {
    this.#window.close();
  }
}
