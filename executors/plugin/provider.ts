/** An executor name that is backed by a plugin: one process per runner entry. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RunnerConfig } from "../../core/config/schema.ts";
import { messageOf, RunnerError } from "../../core/errors.ts";
import type {
  Executor,
  ExecutorFeatures,
  ExecutorHost,
  ExecutorInfo,
  ExecutorNote,
  ExecutorProvider,
  ReapOptions,
} from "../../core/executor.ts";
import { type InitializeResult, PluginRunner } from "../../core/plugin/protocol.ts";
import { pluginNote, type RemoteExecutor } from "../../core/plugin/remote_executor.ts";
import { HelperPrograms } from "../../core/util/helper_programs.ts";
import { backoff } from "../../core/util/retry.ts";
import { shortToken } from "../../core/util/token.ts";
import { PluginExecutor, type Reopen } from "./executor.ts";
import { pluginEnvironment } from "./environment.ts";
import { PluginMarks } from "./plugin_marks.ts";
import { PluginProcess } from "./plugin_process.ts";

/** How a runner entry's plugin is started, and what it is told. */
export interface PluginCommand {
  readonly argv: readonly string[];
  /** `NAME=value` entries of the configuration. */
  readonly environment: readonly string[];
  /** The plugin's own settings. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface PluginProviderOptions {
  /** The executor's name. */
  readonly name: string;
  /** The manager's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The host's own program. */
  readonly executable: string;
  /** What is announced before the plugin has said it. */
  readonly features: Partial<ExecutorFeatures>;
  /** Throws ConfigurationError when the entry has no plugin. */
  readonly command: (config: RunnerConfig) => PluginCommand;
}

/** Waits between starts of a plugin that fails: 1 s, doubling, at most a minute. */
const RESTART = { minMs: 1000, maxMs: 60_000 };

const FEATURES: ExecutorFeatures = {
  variables: true,
  image: false,
  services: false,
  shared: false,
  session: false,
  terminal: false,
};

/** Plugins of one runner entry: the present one, and what it takes to start it. */
interface Entry {
  /** Everything that a running plugin cannot be told anew. */
  readonly settings: string;
  process: Promise<PluginProcess> | undefined;
  running: PluginProcess | undefined;
  /** Since a job has last come to its end. */
  failures: number;
  notBefore: number;
  /** Notes of jobs with which a plugin died; the next one tidies up after them. */
  readonly lost: ExecutorNote[];
}

export class PluginExecutorProvider implements ExecutorProvider {
  readonly name: string;
  readonly #options: PluginProviderOptions;
  readonly #entries = new Map<string, Entry>();
  /** Of entries that have other settings now; they end with their last job. */
  readonly #leaving = new Set<PluginProcess>();
  readonly #marks = new PluginMarks();
  readonly #programs: HelperPrograms;

  constructor(options: PluginProviderOptions) {
    this.name = options.name;
    this.#options = options;
    this.#programs = new HelperPrograms(options.executable);
  }

  /** The processes that serve jobs now. */
  get pids(): readonly number[] {
    return [...this.#entries.values()].flatMap(({ running }) =>
      running?.alive === true ? [running.pid] : []
    );
  }

  /** What the entry's plugin has said of itself. Throws RunnerError when none was started. */
  said(config: RunnerConfig): InitializeResult {
    const running = this.#entries.get(entryKey(config))?.running;
    if (running === undefined) throw new RunnerError(`The plugin "${this.name}" was not started`);
    return running.info;
  }

  info(config: RunnerConfig): ExecutorInfo {
    this.#options.command(config);
    const said = this.#entries.get(entryKey(config))?.running?.info;
    return {
      features: said?.features ?? { ...FEATURES, ...this.#options.features },
      defaultShell: config.shell || said?.default_shell || "bash",
    };
  }

  async acquire(
    config: RunnerConfig,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<Executor | undefined> {
    const { host } = options;
    const open: Reopen = ({ signal }) => this.#acquire(config, { host, signal });
    const remote = await open(options);
    if (remote === undefined) return undefined;
    return new PluginExecutor(remote, {
      reopen: open,
      programs: this.#programs,
      takesFiles: () => this.said(config).features.files,
    });
  }

  async #acquire(
    config: RunnerConfig,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<RemoteExecutor | undefined> {
    const { host } = options;
    const command = this.#options.command(config);
    const runner = describeRunner(config, command);
    const settings = JSON.stringify([command, runner]);
    const entry = this.#entryOf(entryKey(config), settings);
    const plugin = await this.#running(entry, { command, runner }, options);
    return await plugin.acquire({
      signal: options.signal,
      onFree: (lost) => {
        if (plugin.alive) entry.failures = 0;
        if (lost !== undefined) entry.lost.push(lost);
        this.#tidyUp(entry, host);
        this.#endIfLeaving(plugin);
      },
    });
  }

  /** Ends the dead manager's plugins, and lets a new one tidy up after the job. */
  async reap(
    note: ExecutorNote,
    options: ReapOptions,
  ): Promise<void> {
    if (!await this.#marks.end(note["mark"])) return;
    const { config } = options;
    const own = pluginNote(note);
    if (own === undefined || config === undefined) return;
    const command = this.#options.command(config);
    const plugin = await this.#start({ command, runner: describeRunner(config, command) }, options);
    try {
      await plugin.reap(own, options);
    } finally {
      await plugin.stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    const started = await Promise.allSettled(entries.map(({ process }) => process));
    const running = started.flatMap((each) =>
      each.status === "fulfilled" && each.value !== undefined ? [each.value] : []
    );
    await Promise.all([...running, ...this.#leaving].map((plugin) => plugin.stop()));
  }

  #entryOf(key: string, settings: string): Entry {
    const known = this.#entries.get(key);
    if (known?.settings === settings) return known;
    const entry = {
      settings,
      process: undefined,
      running: undefined,
      failures: 0,
      notBefore: 0,
      lost: [],
    };
    this.#entries.set(key, entry);
    known?.process?.then((plugin) => {
      this.#leaving.add(plugin);
      this.#endIfLeaving(plugin);
    }, () => {});
    return entry;
  }

  /** The entry's plugin, started when it does not run. */
  async #running(
    entry: Entry,
    start: { command: PluginCommand; runner: PluginRunner },
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<PluginProcess> {
    const present = await entry.process;
    if (present?.alive) return present;
    if (present !== undefined) {
      entry.process = undefined;
      // One that had worked is started again at once, the first time.
      if (entry.failures++ > 0) delayStart(entry);
    }
    const wait = entry.notBefore - performance.now();
    if (wait > 0) {
      throw new RunnerError(
        `The plugin "${this.name}" has failed; it is started again in ${Math.ceil(wait / 1000)} s`,
      );
    }
    entry.process ??= this.#start(start, options);
    try {
      entry.running = await entry.process;
      await this.#tidyUp(entry, options.host);
      return entry.running;
    } catch (error) {
      entry.process = undefined;
      entry.failures++;
      delayStart(entry);
      throw error;
    }
  }

  /** Has the present plugin remove what is left of jobs with which an earlier one died. */
  async #tidyUp({ running, lost }: Entry, { logger }: ExecutorHost): Promise<void> {
    if (running?.alive !== true) return;
    for (let note = lost.shift(); note !== undefined; note = lost.shift()) {
      try {
        await running.reap(note, { signal: new AbortController().signal });
      } catch (error) {
        logger.warning("Cannot tidy up after a lost job", {
          plugin: this.name,
          error: messageOf(error),
        });
      }
    }
  }

  async #start(
    { command, runner }: { command: PluginCommand; runner: PluginRunner },
    { host, signal }: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<PluginProcess> {
    const stateDir = join(host.stateDir, "plugins", this.name);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const { env, executable } = this.#options;
    await this.#marks.endOrphans(host.stateDir);
    const mark = this.#marks.create(host.stateDir);
    return await PluginProcess.start({
      name: this.name,
      argv: command.argv,
      env: pluginEnvironment(env, command.environment),
      stateDir,
      mark,
      runner,
      host,
      executable,
      onEnd: () => this.#marks.forget(mark, host.stateDir),
    }, { signal });
  }

  #endIfLeaving(plugin: PluginProcess): void {
    if (plugin.jobs > 0 || !this.#leaving.delete(plugin)) return;
    plugin.stop();
  }
}

function delayStart(entry: Entry): void {
  entry.notBefore = performance.now() + backoff(entry.failures - 1, RESTART);
}

function entryKey(config: RunnerConfig): string {
  return JSON.stringify([config.url, shortToken(config.token.reveal()), config.name]);
}

/** The entry without its token and without what belongs to others. */
function describeRunner(config: RunnerConfig, { config: own }: PluginCommand): PluginRunner {
  return PluginRunner.parse({
    name: config.name,
    url: config.url,
    id: config.id,
    short_token: shortToken(config.token.reveal()),
    executor: config.executor,
    builds_dir: config.builds_dir,
    cache_dir: config.cache_dir,
    shell: config.shell,
    environment: config.environment,
    feature_flags: config.feature_flags,
    custom_build_dir: config.custom_build_dir,
    config: own,
  });
}
