/** One job of a served provider: its output, lines and notes go to the host. */

import type { Executor, ExecutorIO, ExecutorNote, StageCommand } from "../executor.ts";
import type { JobResult } from "../job/result.ts";
import type { JobSpec } from "../job/spec.ts";
import type { Peer } from "../rpc/peer.ts";
import { OutputWindow } from "./output_window.ts";
import { type Environment, type ExitResult, PLUGIN_METHODS, PLUGIN_NOTICES } from "./protocol.ts";
import { encodeEnvironment, encodeExit } from "./wire.ts";

export interface ServedExecutorOptions {
  readonly handle: string;
  readonly peer: Peer;
  /** How much output may be on the way. Bytes. */
  readonly windowBytes: number;
}

/** Larger pieces make longer lines and no difference. */
const LARGEST_PIECE_BYTES = 16 * 1024;

export class ServedExecutor implements AsyncDisposable {
  readonly #executor: Executor;
  readonly #options: ServedExecutorOptions;
  readonly #window: OutputWindow;
  readonly #io: ExecutorIO;
  readonly #notes = new Set<Promise<unknown>>();

  constructor(executor: Executor, options: ServedExecutorOptions) {
    this.#executor = executor;
    this.#options = options;
    this.#window = new OutputWindow(options.windowBytes);
    const say = (style: "plain" | "notice" | "warning" | "error") => (text: string) => {
      const { handle, peer } = options;
      peer.notify(PLUGIN_NOTICES.log, { handle, style, text });
    };
    this.#io = {
      log: {
        print: say("plain"),
        notice: say("notice"),
        warning: say("warning"),
        error: say("error"),
      },
      // The protocol has no stream of its own for services.
      output: {
        write: (bytes, stream) => this.#write(bytes, stream === "services" ? "stdout" : stream),
      },
      remember: (note) => this.#remember(note),
    };
  }

  async prepare(spec: JobSpec, options: { signal: AbortSignal }): Promise<Environment> {
    const environment = await this.#executor.prepare(spec, this.#io, options);
    // What was remembered is on disk before anything of the job runs.
    await Promise.all(this.#notes);
    return encodeEnvironment(environment);
  }

  async run(command: StageCommand, options: { signal: AbortSignal }): Promise<ExitResult> {
    return encodeExit(await this.#executor.run(command, this.#io, options));
  }

  async finish(result: JobResult): Promise<void> {
    await this.#executor.finish(result);
  }

  /** The host has taken `bytes` of output. */
  credit(bytes: number): void {
    this.#window.give(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#executor[Symbol.asyncDispose]();
  }

  async #write(bytes: Uint8Array, stream: "stdout" | "stderr" | undefined): Promise<void> {
    const { handle, peer } = this.#options;
    for (let from = 0; from < bytes.length;) {
      const size = await this.#window.take(Math.min(bytes.length - from, LARGEST_PIECE_BYTES));
      const data = Buffer.from(bytes.buffer, bytes.byteOffset + from, size).toString("base64");
      await peer.notify(PLUGIN_NOTICES.output, { handle, data, ...(stream ? { stream } : {}) });
      from += size;
    }
  }

  #remember(note: ExecutorNote): void {
    const { handle, peer } = this.#options;
    const told = peer.request(PLUGIN_METHODS.remember, { handle, note: { ...note } })
      .finally(() => this.#notes.delete(told));
    // Prepare fails with it; without a host nobody asks.
    told.catch(() => {});
    this.#notes.add(told);
  }
}
