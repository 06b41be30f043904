/** An executor whose work is done by a plugin: one handle on the other side of the connection. */

import { messageOf, RunnerError, SystemFailure } from "../errors.ts";
import type {
  Executor,
  ExecutorIO,
  ExecutorNote,
  ExitStatus,
  HostFile,
  PreparedEnvironment,
  StageCommand,
  Terminal,
  TerminalOptions,
} from "../executor.ts";
import type { JobResult } from "../job/result.ts";
import type { JobSpec } from "../job/spec.ts";
import { OutputQueue } from "./output_queue.ts";
import { ProtocolViolation } from "../rpc/message.ts";
import { type Method, type Peer, RpcClosed, RpcTimeout } from "../rpc/peer.ts";
import { ExecutorWork } from "../util/executor_work.ts";
import { graceFor } from "../util/grace.ts";
import {
  HOST_METHODS,
  HOST_NOTICES,
  Note,
  OUTPUT_WINDOW_BYTES,
  type PLUGIN_NOTICES,
} from "./protocol.ts";
import { TerminalChannel } from "./terminal_channel.ts";
import { decodeEnvironment, decodeExit, encodeCommand, encodeJob, encodeResult } from "./wire.ts";
import type { z } from "zod";

/** The process that serves it, as far as one job is concerned. */
export interface PluginConnection {
  /** What people know the plugin by. */
  readonly name: string;
  readonly peer: Peer;
  /** How long the plugin lets processes take to end. Milliseconds. */
  readonly graceMs: number;
  /** How long it may take to clean up after a job. Milliseconds. */
  readonly cleanupMs: number;
  readonly takesFiles: boolean;
  /** Ends the plugin, which does not do what it must. */
  fail(error: Error): void;
}

export interface RemoteExecutorOptions {
  readonly connection: PluginConnection;
  readonly handle: string;
  /** What brings a later process back to this plugin. */
  readonly note: ExecutorNote;
  /**
   * The handle is free again. `lost`: the plugin died with the job, and this is its note on what may
   * be left of it.
   */
  readonly onDispose: (lost: ExecutorNote | undefined) => void;
}

/** Beyond the grace, before a plugin that does not answer is ended. */
const PATIENCE_MS = 30_000;
const FINISH_MS = 60_000;

/** Name of the plugin's own note inside the host's. */
const PLUGIN_NOTE = "plugin_note";

type Output = z.infer<typeof PLUGIN_NOTICES.output.params>;
type Log = z.infer<typeof PLUGIN_NOTICES.log.params>;

export class RemoteExecutor implements Executor {
  readonly #options: RemoteExecutorOptions;
  readonly #asking = new ExecutorWork();
  readonly #showing = new ExecutorWork();
  #terminal: TerminalChannel | undefined;
  #file: HostFile | undefined;
  #isReading = false;
  #io: ExecutorIO | undefined;
  readonly #output: OutputQueue;
  #note: ExecutorNote | undefined;
  #disposed: Promise<void> | undefined;

  constructor(options: RemoteExecutorOptions) {
    this.#options = options;
    const { connection: { peer }, handle } = options;
    this.#output = new OutputQueue({
      windowBytes: OUTPUT_WINDOW_BYTES,
      onTaken: (bytes) => peer.notify(HOST_NOTICES.credit, { handle, bytes }),
    });
  }

  /** The plugin that it was acquired from has ended. */
  get isLost(): boolean {
    return this.#options.connection.peer.closed;
  }

  get takesFiles(): boolean {
    return this.#options.connection.takesFiles;
  }

  /** A piece of the job's output has come. Throws ProtocolViolation when it is more than granted. */
  takeOutput({ data, stream }: Output): void {
    this.#output.push(data, stream);
  }

  takeLog({ style, text }: Log): void {
    const log = this.#io?.log;
    if (style === "plain") log?.print(text);
    else log?.[style](text);
  }

  takeNote(note: ExecutorNote): void {
    this.#note = note;
    this.#io?.remember({ ...this.#options.note, [PLUGIN_NOTE]: JSON.stringify(note) });
  }

  async prepare(
    spec: JobSpec,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    options.signal.throwIfAborted();
    io.remember(this.#options.note);
    const params = { handle: this.#options.handle, ...encodeJob(spec) };
    return await this.#work(
      io,
      options.signal,
      async (signal) => decodeEnvironment(await this.#ask(HOST_METHODS.prepare, params, signal)),
    );
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    const params = { handle: this.#options.handle, ...encodeCommand(command) };
    return await this.#work(
      io,
      options.signal,
      async (signal) => decodeExit(await this.#ask(HOST_METHODS.run, params, signal)),
    );
  }

  /** Resolves when the plugin is asked: whether it can is known by how the terminal ends. */
  async openTerminal(
    command: StageCommand,
    { output, size, signal }: TerminalOptions,
  ): Promise<Terminal> {
    signal.throwIfAborted();
    if (this.#terminal !== undefined) {
      throw new SystemFailure("The job has an open terminal already");
    }
    const { connection: { peer }, handle } = this.#options;
    const channel = new TerminalChannel({
      windowBytes: OUTPUT_WINDOW_BYTES,
      send: (data) => peer.notify(HOST_NOTICES.terminalInput, { handle, data }),
      credit: (bytes) => peer.notify(HOST_NOTICES.terminalCredit, { handle, bytes }),
    });
    this.#terminal = channel;
    const params = { handle, ...encodeCommand(command), ...size };
    const ended = this.#showing.do(signal, async (signal, abort) => {
      channel.deliverTo(output, abort);
      try {
        return decodeExit(await this.#ask(HOST_METHODS.terminal, params, signal));
      } finally {
        await channel.drain();
        channel.close();
        this.#terminal = undefined;
      }
    }, (error) => this.#fault(error));
    ended.catch(() => {});
    return {
      write: (bytes) => channel.send(bytes),
      resize: (to) => void peer.notify(HOST_NOTICES.terminalResize, { handle, ...to }),
      ended,
    };
  }

  /** Where what the plugin shows on its open terminal goes. */
  get terminal(): TerminalChannel | undefined {
    return this.#terminal;
  }

  async putFile(file: HostFile, options: { signal: AbortSignal }): Promise<string> {
    const { name, size, sha256 } = file;
    const params = { handle: this.#options.handle, name, size, sha256 };
    this.#file = file;
    try {
      return await this.#asking.do(
        options.signal,
        async (signal) => (await this.#ask(HOST_METHODS.putFile, params, signal)).path,
        (error) => this.#fault(error),
      );
    } finally {
      this.#file = undefined;
    }
  }

  /** A piece of the file that is being put. Throws RunnerError when there is none, or two at a time. */
  async readFile(offset: number, length: number): Promise<Uint8Array> {
    if (this.#file === undefined) throw new RunnerError("No file is being put");
    if (this.#isReading) throw new RunnerError("A piece of the file is being read already");
    this.#isReading = true;
    try {
      return await this.#file.read(offset, length);
    } finally {
      this.#isReading = false;
    }
  }

  async finish(result: JobResult): Promise<void> {
    const { connection: { peer }, handle } = this.#options;
    await peer.request(HOST_METHODS.finish, { handle, result: encodeResult(result) }, {
      limitMs: FINISH_MS,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposed ??= this.#dispose();
  }

  async #dispose(): Promise<void> {
    const { connection, handle, onDispose } = this.#options;
    this.#asking.dispose();
    this.#showing.dispose();
    await Promise.all([this.#asking.settled, this.#showing.settled]);
    try {
      await connection.peer.request(HOST_METHODS.cleanup, { handle }, {
        limitMs: connection.cleanupMs,
      });
      this.#note = undefined;
    } catch (error) {
      if (error instanceof RpcTimeout) connection.fail(error);
      // With the plugin's process everything that it had started is gone too.
      if (!connection.peer.closed) throw error;
    } finally {
      onDispose(this.#note);
    }
  }

  /** Runs `ask` with `io` as the place for what comes meanwhile, all of which is taken at its end. */
  async #work<T>(
    io: ExecutorIO,
    outer: AbortSignal,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#asking.do(outer, (signal, abort) => {
        this.#io = io;
        this.#output.writeTo(io.output, abort);
        return ask(signal);
      }, (error) => this.#fault(error));
    } finally {
      await this.#output.drain();
    }
  }

  /** A plugin that does not stop in time is ended. */
  async #ask<P, R>(method: Method<P, R>, params: P, signal: AbortSignal): Promise<R> {
    const { connection } = this.#options;
    try {
      return await connection.peer.request(method, params, {
        signal,
        patienceMs: (reason) => graceFor(reason, connection.graceMs) + PATIENCE_MS,
      });
    } catch (error) {
      if (error instanceof RpcTimeout) connection.fail(error);
      throw error;
    }
  }

  /** What is not the job's and not the operator's doing is the plugin's. */
  #fault(error: unknown): RunnerError {
    if (error instanceof RunnerError && !isConnectionFault(error)) return error;
    return new SystemFailure(`The plugin "${this.#options.connection.name}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The plugin's own note inside what {@link RemoteExecutor} remembered. */
export function pluginNote(note: ExecutorNote): ExecutorNote | undefined {
  const text = note[PLUGIN_NOTE];
  return typeof text === "string" ? Note.parse(JSON.parse(text)) : undefined;
}

function isConnectionFault(error: RunnerError): boolean {
  return error instanceof RpcClosed || error instanceof RpcTimeout ||
    error instanceof ProtocolViolation || error.constructor === RunnerError;
}
