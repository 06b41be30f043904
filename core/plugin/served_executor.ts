/** One job of a served provider: its output, lines and notes go to the host. */

import { RunnerError } from "../errors.ts";
import type { Executor, ExecutorIO, ExecutorNote, StageCommand } from "../executor.ts";
import type { TerminalSize } from "../util/process_pty.ts";
import type { JobResult } from "../job/result.ts";
import type { JobSpec } from "../job/spec.ts";
import type { Peer } from "../rpc/peer.ts";
import { OutputWindow } from "./output_window.ts";
import {
  type Environment,
  type ExitResult,
  PLUGIN_METHODS,
  PLUGIN_NOTICES,
  type PutFileParams,
} from "./protocol.ts";
import { TerminalChannel } from "./terminal_channel.ts";
import { encodeEnvironment, encodeExit } from "./wire.ts";

export interface ServedExecutorOptions {
  readonly handle: string;
  readonly peer: Peer;
  /** How much output may be on the way. Bytes. */
  readonly windowBytes: number;
}

/** The terminal that is open, as far as the host speaks to it. */
interface ServedTerminal {
  readonly channel: TerminalChannel;
  resize(size: TerminalSize): void;
}

export class ServedExecutor implements AsyncDisposable {
  readonly #executor: Executor;
  readonly #options: ServedExecutorOptions;
  readonly #window: OutputWindow;
  readonly #io: ExecutorIO;
  readonly #notes = new Set<Promise<unknown>>();
  #terminal: ServedTerminal | undefined;

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

  /** What the host types and how large its window is; undefined while no terminal is open. */
  get terminal(): ServedTerminal | undefined {
    return this.#terminal;
  }

  async runTerminal(
    command: StageCommand,
    size: TerminalSize,
    options: { signal: AbortSignal },
  ): Promise<ExitResult> {
    if (this.#executor.openTerminal === undefined) throw new RunnerError("It has no terminals");
    if (this.#terminal !== undefined) throw new RunnerError("The job has an open terminal already");
    const { handle, peer, windowBytes } = this.#options;
    const channel = new TerminalChannel({
      windowBytes,
      send: (data) => peer.notify(PLUGIN_NOTICES.terminalOutput, { handle, data }),
      credit: (bytes) => peer.notify(PLUGIN_NOTICES.terminalCredit, { handle, bytes }),
    });
    const output = { write: (bytes: Uint8Array) => channel.send(bytes) };
    const opening = this.#executor.openTerminal(command, { output, size, ...options });
    // What is typed while it opens waits for it.
    channel.deliverTo({ write: async (bytes) => await (await opening).write(bytes) }, () => {});
    this.#terminal = {
      channel,
      resize: (to) => void opening.then((terminal) => terminal.resize(to), () => {}),
    };
    try {
      return encodeExit(await (await opening).ended);
    } finally {
      channel.close();
      this.#terminal = undefined;
    }
  }

  async putFile(
    { name, size, sha256 }: Omit<PutFileParams, "handle">,
    options: { signal: AbortSignal },
  ): Promise<{ path: string }> {
    if (this.#executor.putFile === undefined) throw new RunnerError("It takes no files");
    const { handle, peer } = this.#options;
    const read = async (offset: number, length: number) => {
      const { data } = await peer.request(
        PLUGIN_METHODS.readFile,
        { handle, offset, length },
        options,
      );
      return Buffer.from(data, "base64");
    };
    return { path: await this.#executor.putFile({ name, size, sha256, read }, options) };
  }

  async finish(result: JobResult): Promise<void> {
    await this.#executor.finish(result);
  }

  /** The host has taken `bytes` of output. */
  credit(bytes: number): void {
    this.#window.give(bytes);
  }

  /** The host is gone: nothing that is printed waits for it. */
  disconnect(): void {
    this.#window.close();
    this.#terminal?.channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#executor[Symbol.asyncDispose]();
  }

  async #write(bytes: Uint8Array, stream: "stdout" | "stderr" | undefined): Promise<void> {
    const { handle, peer } = this.#options;
    await this.#window.send(
      bytes,
      (data) => peer.notify(PLUGIN_NOTICES.output, { handle, data, ...(stream ? { stream } : {}) }),
    );
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
