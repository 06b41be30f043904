/** The plugins of one runner entry, one after the other: what starts them, ends them and tidies up. */

import { messageOf, RunnerError } from "../../core/errors.ts";
import type { ExecutorHost, ExecutorNote } from "../../core/executor.ts";
import type { RemoteExecutor } from "../../core/plugin/remote_executor.ts";
import { backoff } from "../../core/util/retry.ts";
import type { PluginProcess } from "./plugin_process.ts";

export interface PluginEntryOptions {
  /** The executor's name. */
  readonly name: string;
  /** Everything that a running plugin cannot be told anew. */
  readonly settings: string;
  readonly host: ExecutorHost;
  readonly start: (options: { signal: AbortSignal }) => Promise<PluginProcess>;
}

/** Waits between starts of a plugin that fails: 1 s, doubling, at most a minute. */
const RESTART = { minMs: 1000, maxMs: 60_000 };

export class PluginEntry {
  readonly #options: PluginEntryOptions;
  #process: Promise<PluginProcess> | undefined;
  #running: PluginProcess | undefined;
  /** Since a job has last come to its end. */
  #failures = 0;
  #notBefore = 0;
  /** Notes of jobs with which a plugin died; the next one tidies up after them. */
  readonly #lost: ExecutorNote[] = [];
  /** Jobs, and those that ask for room. */
  #users = 0;
  #isLeaving = false;
  readonly #unused = Promise.withResolvers<void>();
  #ending: Promise<void> | undefined;

  constructor(options: PluginEntryOptions) {
    this.#options = options;
  }

  get settings(): string {
    return this.#options.settings;
  }

  /** The plugin that was started last. */
  get running(): PluginProcess | undefined {
    return this.#running;
  }

  /** Room for one job in the present plugin, which is started when there is none. */
  async acquire(options: { signal: AbortSignal }): Promise<RemoteExecutor | undefined> {
    this.#users++;
    let executor: RemoteExecutor | undefined;
    try {
      const plugin = await this.#present(options);
      executor = await plugin.acquire({
        ...options,
        onFree: (lost) => {
          if (plugin.alive) this.#failures = 0;
          if (lost !== undefined) this.#lost.push(lost);
          void this.#tidyUp();
          this.#letGo();
        },
      });
      return executor;
    } finally {
      if (executor === undefined) this.#letGo();
    }
  }

  /** Nobody asks for room any more. Resolves when the last job has gone, and the plugin with it. */
  async release(): Promise<void> {
    this.#isLeaving = true;
    if (this.#users === 0) this.#unused.resolve();
    await this.#unused.promise;
    await this.stop();
  }

  /** Ends the plugin, its jobs with it, and removes what is left of those that were lost before. */
  stop(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  async #end(): Promise<void> {
    let plugin = await this.#process?.catch(() => undefined);
    if (this.#lost.length > 0) {
      try {
        if (plugin?.alive !== true) plugin = await this.#start(new AbortController());
        await this.#tidyUp();
      } catch (error) {
        this.#warnOfRest(error);
      }
    }
    await plugin?.stop();
  }

  #letGo(): void {
    this.#users--;
    if (this.#isLeaving && this.#users === 0) this.#unused.resolve();
  }

  async #present(options: { signal: AbortSignal }): Promise<PluginProcess> {
    const present = await this.#process;
    if (present?.alive) return present;
    if (present !== undefined) {
      this.#process = undefined;
      // One that had worked is started again at once, the first time.
      if (this.#failures++ > 0) this.#delayStart();
    }
    const wait = this.#notBefore - performance.now();
    if (wait > 0) {
      const { name } = this.#options;
      throw new RunnerError(
        `The plugin "${name}" has failed; it is started again in ${Math.ceil(wait / 1000)} s`,
      );
    }
    this.#process ??= this.#start(options);
    try {
      const plugin = await this.#process;
      await this.#tidyUp();
      return plugin;
    } catch (error) {
      this.#process = undefined;
      this.#failures++;
      this.#delayStart();
      throw error;
    }
  }

  async #start(options: { signal: AbortSignal }): Promise<PluginProcess> {
    return this.#running = await this.#options.start(options);
  }

  /** Has the running plugin remove what is left of jobs with which an earlier one died. */
  async #tidyUp(): Promise<void> {
    const plugin = this.#running;
    if (plugin?.alive !== true) return;
    for (let note = this.#lost.shift(); note !== undefined; note = this.#lost.shift()) {
      try {
        await plugin.reap(note, new AbortController());
      } catch (error) {
        this.#warnOfRest(error);
      }
    }
  }

  #warnOfRest(error: unknown): void {
    const { name: plugin, host } = this.#options;
    const fields = { plugin, error: messageOf(error) };
    host.logger.warning("Cannot tidy up after a lost job", fields);
  }

  #delayStart(): void {
    this.#notBefore = performance.now() + backoff(this.#failures - 1, RESTART);
  }
}
