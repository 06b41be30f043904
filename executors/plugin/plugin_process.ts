/** One running plugin: a child process that has said who it is and serves one runner entry. */

import { messageOf, RunnerError } from "../../core/errors.ts";
import type { ExecutorHost, ExecutorNote } from "../../core/executor.ts";
import type { Logger } from "../../core/log/logger.ts";
import { pluginCodec } from "../../core/plugin/codec.ts";
import {
  HOST_METHODS,
  type InitializeResult,
  MAX_LINE_BYTES,
  MOST_CLEANUP_MS,
  MOST_GRACE_MS,
  OUTPUT_WINDOW_BYTES,
  PLUGIN_MARK,
  PLUGIN_METHODS,
  PLUGIN_NOTICES,
  type PluginRunner,
  PROTOCOL_VERSION,
} from "../../core/plugin/protocol.ts";
import { RemoteExecutor } from "../../core/plugin/remote_executor.ts";
import { type ChildTransport, startChild } from "../../core/rpc/child_transport.ts";
import { ProtocolViolation } from "../../core/rpc/message.ts";
import { Peer, RpcTimeout } from "../../core/rpc/peer.ts";
import { delay } from "../../core/util/abort.ts";
import { LogLines } from "../../core/util/log_lines.ts";
import { buildInfo, goPlatform } from "../../core/version.ts";
import { LogLimit } from "./log_limit.ts";

export interface PluginStart {
  /** The executor's name. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Also its working directory. */
  readonly stateDir: string;
  readonly mark: string;
  readonly runner: PluginRunner;
  readonly host: ExecutorHost;
  /** The host's own executable. */
  readonly executable: string;
  /** Called when it has ended, with all that it had started. */
  readonly onEnd: () => void;
}

const INITIALIZE_MS = 10_000;
const ACQUIRE_MS = 60_000;
const SHUTDOWN_MS = 15_000;
/** Each job asks one thing at a time; who asks for more than all jobs could takes no answers. */
const MOST_REQUESTS = 1000;
/** Between the end of its output and that of the process. */
const LAST_WORDS_MS = 1000;

export class PluginProcess {
  readonly name: string;
  readonly #peer: Peer;
  readonly #child: ChildTransport;
  readonly #executors = new Map<string, RemoteExecutor>();
  readonly #logger: Logger;
  readonly #mark: string;
  readonly #ended: Promise<void>;
  #info: InitializeResult | undefined;
  #fault: Error | undefined;
  #alive = true;
  #stopped: Promise<void> | undefined;

  private constructor(start: PluginStart) {
    const { name, argv, env, stateDir, mark, host } = start;
    this.name = name;
    this.#mark = mark;
    this.#logger = host.logger.with({ plugin: name });
    const limit = new LogLimit((lost) =>
      this.#logger.warning("The plugin logs too much; lines are left out", { lost })
    );
    this.#child = startChild({
      argv,
      cwd: stateDir,
      env,
      mark: { name: PLUGIN_MARK, value: mark },
      maxLineBytes: MAX_LINE_BYTES,
      onLog: (line) => limit.pass() && this.#logger.info(line),
    });
    this.#peer = new Peer(this.#child, pluginCodec(() => this.graceMs), {
      mostRequests: MOST_REQUESTS,
    });
    this.#peer.on(PLUGIN_NOTICES.output, (output) => this.#of(output.handle)?.takeOutput(output));
    this.#peer.on(
      PLUGIN_NOTICES.log,
      (line) => limit.pass() && this.#of(line.handle)?.takeLog(line),
    );
    this.#peer.on(PLUGIN_NOTICES.runnerLog, ({ level, message }) => {
      using lines = new LogLines((line) => limit.pass() && this.#logger[level](line));
      lines.write(Buffer.from(message));
    });
    this.#peer.handle(PLUGIN_METHODS.remember, ({ handle, note }) => {
      this.#known(handle).takeNote(note);
      return {};
    });
    this.#peer.handle(PLUGIN_METHODS.readFile, async ({ handle, offset, length }) => {
      const bytes = await this.#known(handle).readFile(offset, length);
      return { data: Buffer.from(bytes).toString("base64") };
    });
    this.#peer.on(PLUGIN_NOTICES.terminalOutput, ({ handle, data }) => {
      this.#of(handle)?.terminal?.receive(data);
    });
    this.#peer.on(PLUGIN_NOTICES.terminalCredit, ({ handle, bytes }) => {
      this.#of(handle)?.terminal?.give(bytes);
    });
    this.#ended = this.#serve(start.onEnd);
  }

  /** Throws ConfigurationError for what the plugin finds wrong, RunnerError for a plugin that is. */
  static async start(start: PluginStart, options: { signal: AbortSignal }): Promise<PluginProcess> {
    const plugin = new PluginProcess(start);
    try {
      await plugin.#initialize(start, options.signal);
      return plugin;
    } catch (error) {
      const why = plugin.#explain(error);
      await plugin.stop();
      throw why;
    }
  }

  /** False once it has ended, or has to. */
  get alive(): boolean {
    return this.#alive;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get info(): InitializeResult {
    if (this.#info === undefined) throw new RunnerError("The plugin has not answered yet");
    return this.#info;
  }

  get jobs(): number {
    return this.#executors.size;
  }

  get graceMs(): number {
    return Math.min(this.#info?.grace_ms ?? 0, MOST_GRACE_MS);
  }

  /** How long it may take to clean up after a job. */
  get cleanupMs(): number {
    return Math.min(this.info.cleanup_ms, MOST_CLEANUP_MS);
  }

  /** Room for one job; undefined: no capacity. `onFree` is called when the job is gone. */
  async acquire(
    options: { onFree: (lost: ExecutorNote | undefined) => void; signal: AbortSignal },
  ): Promise<RemoteExecutor | undefined> {
    const answer = await this.#ask(() =>
      this.#peer.request(HOST_METHODS.acquire, {}, {
        signal: options.signal,
        limitMs: ACQUIRE_MS,
        patienceMs: () => ACQUIRE_MS,
      })
    );
    if (answer.kind === "no-capacity") return undefined;
    const { handle } = answer;
    if (this.#executors.has(handle)) {
      this.fail(new ProtocolViolation(`It gave out the handle "${handle}" twice`));
      throw this.#explain(this.#fault);
    }
    const executor = new RemoteExecutor({
      connection: {
        name: this.name,
        peer: this.#peer,
        graceMs: this.graceMs,
        cleanupMs: this.cleanupMs,
        takesFiles: this.info.features.files,
        fail: (error) => this.fail(error),
      },
      handle,
      note: { mark: this.#mark },
      onDispose: (lost) => {
        this.#executors.delete(handle);
        options.onFree(lost);
      },
    });
    this.#executors.set(handle, executor);
    return executor;
  }

  async reap(note: ExecutorNote, options: { signal: AbortSignal }): Promise<void> {
    if (!this.info.features.reap) return;
    await this.#ask(() =>
      this.#peer.request(HOST_METHODS.reap, { note: { ...note } }, {
        ...options,
        limitMs: this.cleanupMs,
        patienceMs: () => this.cleanupMs,
      })
    );
  }

  /** Ends a plugin that does not do what it must; its jobs fail. */
  fail(error: Error): void {
    if (this.#fault !== undefined) return;
    this.#fault = error;
    this.#alive = false;
    this.#logger.error("The plugin is ended", { error: messageOf(error) });
    this.#peer.close(error);
    // Its output ends with it, which is read to that end.
    this.#child.kill().catch((cause) =>
      this.#logger.error("Cannot end the plugin", { error: messageOf(cause) })
    );
  }

  /** Asks it to end, and makes sure that it has; what goes wrong is logged. Idempotent. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stopLogged();
  }

  async #stopLogged(): Promise<void> {
    try {
      await this.#stop();
    } catch (error) {
      this.#logger.error("Cannot end the plugin", { error: messageOf(error) });
    }
  }

  async #stop(): Promise<void> {
    const asked = this.#alive && this.#info !== undefined;
    this.#alive = false;
    if (asked) {
      await this.#peer.request(HOST_METHODS.shutdown, {}, { limitMs: SHUTDOWN_MS }).catch(() => {});
    }
    if (!await this.#child.stop()) {
      this.#logger.warning("The plugin did not end with its input, so it was ended", {
        end: await this.#child.ended,
      });
    }
    await this.#ended;
  }

  async #initialize(start: PluginStart, signal: AbortSignal): Promise<void> {
    const { host, runner, stateDir, executable } = start;
    this.#info = await this.#peer.request(HOST_METHODS.initialize, {
      protocol_versions: [PROTOCOL_VERSION],
      host: {
        name: "runner",
        version: buildInfo.version,
        ...goPlatform(),
        system_id: host.systemId,
        executable,
      },
      runner,
      state_dir: stateDir,
      max_line_bytes: MAX_LINE_BYTES,
      output_window_bytes: OUTPUT_WINDOW_BYTES,
    }, { signal, limitMs: INITIALIZE_MS, patienceMs: () => 0 });
    if (this.#info.protocol_version !== PROTOCOL_VERSION) {
      throw new ProtocolViolation(
        `It wants version ${this.#info.protocol_version} of the protocol, which was not offered`,
      );
    }
  }

  /** Reads what it says until its end, which is a fault while it has jobs. */
  async #serve(onEnd: () => void): Promise<void> {
    try {
      await this.#peer.run(() => this.#howItEnded());
    } catch (error) {
      this.fail(RunnerError.from(error));
    }
    try {
      await this.#child.kill();
      onEnd();
    } catch (error) {
      this.#logger.error("Cannot end the plugin", { error: messageOf(error) });
    }
  }

  /** It says nothing any more: it has ended, or has no more reason to live. */
  async #howItEnded(): Promise<string> {
    this.#alive = false;
    const end = await Promise.race([
      this.#child.ended,
      delay(LAST_WORDS_MS).then(() => "its output closed"),
    ]);
    await this.#child.kill();
    if (this.jobs > 0 && this.#fault === undefined) {
      this.#logger.error("The plugin has ended while it had jobs", { end, jobs: this.jobs });
    }
    return `It ended with ${end}`;
  }

  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof RpcTimeout) this.fail(error);
      throw this.#explain(error);
    }
  }

  /** Says whose fault it is, and prefers the first thing that went wrong. */
  #explain(error: unknown): Error {
    const fault = RunnerError.from(error);
    if (fault.name === "ConfigurationError") return fault;
    const why = messageOf(this.#fault ?? fault);
    return new RunnerError(`The plugin "${this.name}": ${why}`, { cause: fault });
  }

  #of(handle: string): RemoteExecutor | undefined {
    return this.#executors.get(handle);
  }

  #known(handle: string): RemoteExecutor {
    const executor = this.#of(handle);
    if (executor === undefined) throw new RunnerError(`There is no handle "${handle}"`);
    return executor;
  }
}
