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
import { pluginNote } from "../../core/plugin/remote_executor.ts";
import { settlesWithin } from "../../core/util/abort.ts";
import { HelperPrograms } from "../../core/util/helper_programs.ts";
import { shortToken } from "../../core/util/token.ts";
import { PluginExecutor, type Reopen } from "./executor.ts";
import { pluginEnvironment } from "./environment.ts";
import { PluginEntry } from "./plugin_entry.ts";
import type { PluginMarks } from "./plugin_marks.ts";
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
  /** Of all plugins of this process. */
  readonly marks: PluginMarks;
  /** What is announced before the plugin has said it. */
  readonly features: Partial<ExecutorFeatures>;
  /** Throws ConfigurationError when the entry has no plugin. */
  readonly command: (config: RunnerConfig) => PluginCommand;
}

/** A driver may take an hour to remove a machine; new jobs do not wait for that. */
const REAP_WAIT_MS = 60_000;

const FEATURES: ExecutorFeatures = {
  variables: true,
  image: false,
  services: false,
  shared: false,
  session: false,
  terminal: false,
};

export class PluginExecutorProvider implements ExecutorProvider {
  readonly name: string;
  readonly #options: PluginProviderOptions;
  readonly #entries = new Map<string, PluginEntry>();
  /** Of runner entries that are gone or have other settings now; they end with their last job. */
  readonly #leaving = new Set<PluginEntry>();
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
    const reopen: Reopen = ({ signal }) => this.#entryOf(config, options.host).acquire({ signal });
    const remote = await reopen(options);
    if (remote === undefined) return undefined;
    return new PluginExecutor(remote, { reopen, programs: this.#programs });
  }

  /**
   * Ends the dead manager's plugin, and lets a new one tidy up after the job: with the settings of
   * its entry, or those that the dead one had when there is no such entry any more.
   */
  async reap(note: ExecutorNote, options: ReapOptions): Promise<void> {
    const { marks } = this.#options;
    const { host: { stateDir, logger }, config } = options;
    const kept = marks.entryOf(note["mark"], stateDir);
    if (!await marks.end(note["mark"])) return;
    const own = pluginNote(note);
    const entry = config?.executor === this.name ? config : kept;
    if (own === undefined || entry === undefined) return;
    const reaping = this.#reapWith(entry, own, options).catch((error) => {
      // The job has to be answered for, also when nobody can tidy up after it.
      const fields = { plugin: this.name, error: messageOf(error) };
      logger.error("Cannot tidy up after a crashed job", fields);
    });
    if (await settlesWithin(reaping, REAP_WAIT_MS)) return;
    logger.warning("Tidying up after a crashed job goes on beside new ones", { plugin: this.name });
  }

  async endOrphans({ stateDir }: ExecutorHost): Promise<void> {
    await this.#options.marks.endOrphans(stateDir);
  }

  release(config: RunnerConfig): void {
    const key = entryKey(config);
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    if (entry !== undefined) this.#leave(entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const entries = [...this.#entries.values(), ...this.#leaving];
    this.#entries.clear();
    await Promise.all(entries.map((entry) => entry.stop()));
  }

  #leave(entry: PluginEntry): void {
    this.#leaving.add(entry);
    void entry.release().finally(() => this.#leaving.delete(entry));
  }

  /** The plugins of the entry as it is configured now. */
  #entryOf(config: RunnerConfig, host: ExecutorHost): PluginEntry {
    const command = this.#options.command(config);
    const settings = JSON.stringify([command, describeRunner(config, command)]);
    const key = entryKey(config);
    const known = this.#entries.get(key);
    if (known?.settings === settings) return known;
    const entry = new PluginEntry({
      name: this.name,
      settings,
      host,
      start: ({ signal }) => this.#start(config, { host, signal }),
    });
    this.#entries.set(key, entry);
    if (known !== undefined) this.#leave(known);
    return entry;
  }

  async #reapWith(config: RunnerConfig, note: ExecutorNote, options: ReapOptions): Promise<void> {
    const plugin = await this.#start(config, options);
    try {
      await plugin.reap(note, options);
    } finally {
      await plugin.stop();
    }
  }

  async #start(
    config: RunnerConfig,
    { host, signal }: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<PluginProcess> {
    const command = this.#options.command(config);
    const runner = describeRunner(config, command);
    const stateDir = join(host.stateDir, "plugins", this.name);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const { env, executable, marks } = this.#options;
    const mark = marks.create(host.stateDir, keptEntry(config, runner));
    return await PluginProcess.start({
      name: this.name,
      argv: command.argv,
      env: pluginEnvironment(env, command.environment),
      stateDir,
      mark,
      runner,
      host,
      executable,
      onEnd: () => marks.forget(mark, host.stateDir),
    }, { signal });
  }
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

/** As much of the entry as starts a plugin like this one; a short token stands for the real one. */
function keptEntry(config: RunnerConfig, runner: PluginRunner): Readonly<Record<string, unknown>> {
  const { short_token: token, config: _own, ...rest } = runner;
  return { ...rest, token, plugin: config.plugin, custom: config.custom };
}
