/** `runner run`: one process that serves all entries of a config.toml until it is told to stop. */

import { describeChanges } from "../config/describe_changes.ts";
import { legacyUrls } from "../config/legacy_urls.ts";
import { loadConfig, type LoadedConfig, parseConfig } from "../config/load.ts";
import { repeatedRunners } from "../config/repeated_runners.ts";
import type { GlobalConfig } from "../config/schema.ts";
import { systemId } from "../config/system_id.ts";
import { type ConfigWatch, watchConfig } from "../config/watch.ts";
import { codeOf, ConfigurationError, messageOf } from "../errors.ts";
import type { ExecutorProvider } from "../executor.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { ManagerSnapshot } from "../metrics/snapshot.ts";
import type { Registry } from "../registry.ts";
import type { Shell } from "../shell.ts";
import { connectRunner } from "./connect.ts";
import { RunnerEngine } from "./engine.ts";
import { ownMemory } from "./memory_care.ts";
import { type ProcessSignals, Shutdown } from "./shutdown.ts";
import { logState } from "./state_dump.ts";
import { openStateDir } from "./state_dir.ts";
import { TokenRotations } from "./token_rotations.ts";
import { unbuiltSettings } from "./unbuilt.ts";

/** Where a manager's numbers go: nowhere, or to the endpoints of `listen_address`. */
export interface Instruments extends AsyncDisposable {
  readonly metrics: Metrics;
  /** Begins to serve what `snapshot` tells. */
  serve(snapshot: () => ManagerSnapshot): void;
}

export interface ManagerOptions {
  /** Absolute path of config.toml. */
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Takes `log_level` and `log_format` of the configuration into force. */
  readonly configureLog: (config: GlobalConfig) => void;
  readonly executors: Registry<ExecutorProvider>;
  readonly shells: Registry<Shell>;
  readonly signals: ProcessSignals;
  /** Called once with the configured `listen_address`, which may be empty. */
  readonly instruments: (listenAddress: string) => Promise<Instruments>;
}

/**
 * Resolves with the process's exit code when a signal has ended the manager and its jobs are told.
 * Throws ConfigurationError for a configuration that cannot be used at start.
 */
export async function runManager(options: ManagerOptions): Promise<number> {
  const { configPath, env, logger, executors } = options;
  logger.info(`Starting multi-runner from ${configPath}...`);
  const { config, warnings, complaint } = await firstConfig(options);
  for (const warning of warnings) logger.warning(warning);
  options.configureLog(config);
  const identity = await systemId(configPath);
  if (identity.warning !== undefined) logger.warning(identity.warning);
  using state = openStateDir(configPath);
  if (state.warning !== undefined) logger.warning(state.warning);
  await using instruments = await options.instruments(config.listen_address);
  const { metrics } = instruments;
  const engine = new RunnerEngine({
    configPath,
    env,
    logger,
    metrics,
    executors,
    shells: options.shells,
    systemId: identity.id,
    stateDir: state.path,
    connect: connectRunner,
    memory: ownMemory,
  });
  using manager = new Manager(options, engine, metrics, config, complaint);
  metrics.configuration(complaint === undefined ? "loaded" : "loading-error");
  if (complaint === undefined) logger.info("Configuration loaded");
  logger.info("Initializing executor providers");
  if (config.session_server.listen_address === "") {
    logger.info("[session_server].listen_address not defined, session endpoints disabled");
  }
  instruments.serve(() => manager.snapshot());
  return await manager.run();
}

/** A file that is not there yet comes with the first `register`; a container starts without one. */
async function firstConfig(
  { configPath, env, logger }: ManagerOptions,
): Promise<LoadedConfig & { readonly complaint?: string }> {
  try {
    const loaded = await loadConfig(configPath, { env });
    assertTakesJobs(loaded.config);
    return loaded;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    const complaint = messageOf(error);
    logger.error("Failed to load config; it is waited for", { error: complaint });
    return { ...parseConfig("", { path: configPath, env }), complaint };
  }
}

/** As GitLab Runner, which ends here too: whoever asks for no jobs must not get any. */
function assertTakesJobs({ concurrent }: GlobalConfig): void {
  if (concurrent >= 1) return;
  throw new ConfigurationError(
    `Current configuration 'concurrent = ${concurrent}' means that no jobs will be processed: set it ` +
      "to 1 or more, see " +
      "https://docs.gitlab.com/runner/configuration/advanced-configuration.html#the-global-section",
  );
}

/** Listens to signals from its construction on, until disposed. */
class Manager implements Disposable {
  readonly #options: ManagerOptions;
  readonly #engine: RunnerEngine;
  readonly #metrics: Metrics;
  readonly #rotations: TokenRotations;
  readonly #shutdown: Shutdown;
  readonly #stopListening: readonly (() => void)[];
  readonly #ended = Promise.withResolvers<number>();
  #config: GlobalConfig;
  /** What was last said against the file; undefined while it is in force. */
  #complaint: string | undefined;
  /** Somebody asked for the file to be read, and is to hear of it also when nothing is new. */
  #awaited = false;
  #watch: ConfigWatch | undefined;

  constructor(
    options: ManagerOptions,
    engine: RunnerEngine,
    metrics: Metrics,
    config: GlobalConfig,
    complaint: string | undefined,
  ) {
    this.#complaint = complaint;
    this.#options = options;
    this.#engine = engine;
    this.#metrics = metrics;
    this.#config = config;
    this.#rotations = new TokenRotations(engine.connection);
    this.#shutdown = new Shutdown(options.signals, {
      logger: options.logger,
      engine,
      executors: options.executors,
      timeoutSeconds: () => this.#config.shutdown_timeout,
      onEnd: (code) => this.#ended.resolve(code),
    });
    this.#stopListening = [
      options.signals.on("SIGHUP", () => {
        this.#awaited = true;
        void this.#watch?.reload();
      }),
      options.signals.on("SIGUSR1", () => logState(this.snapshot(), options.logger)),
    ];
  }

  async run(): Promise<number> {
    const { configPath, env } = this.#options;
    await this.#engine.recover(this.#config);
    this.#watch = await watchConfig(configPath, {
      env,
      onChange: (loaded) => {
        try {
          assertTakesJobs(loaded.config);
        } catch (error) {
          this.#refuse(messageOf(error));
          return;
        }
        this.#reload(loaded);
      },
      onError: (error) => this.#refuse(error.message),
    });
    this.#apply(this.#config);
    // A change or a SIGHUP between the first reading and the watch would otherwise go unseen.
    await this.#watch.reload();
    const code = await this.#ended.promise;
    if (code === 0) await this.#rotations.settled();
    return code;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stopListening) stop();
    this.#watch?.[Symbol.dispose]();
    this.#rotations.stop();
    this.#shutdown[Symbol.dispose]();
  }

  snapshot(): ManagerSnapshot {
    return this.#engine.snapshot(this.#config, this.#shutdown.state);
  }

  #refuse(complaint: string): void {
    this.#metrics.configuration("loading-error");
    if (!this.#isNews(complaint)) return;
    this.#options.logger.error("Failed to load config; the old one stays in force", {
      error: complaint,
    });
  }

  #apply(config: GlobalConfig): void {
    const remarks = [
      ...unbuiltSettings(config, this.#options.env),
      ...repeatedRunners(config.runners),
      ...legacyUrls(config.runners),
    ];
    for (const remark of remarks) this.#options.logger.warning(remark);
    this.#engine.apply(config);
    this.#rotations.follow(config.runners);
  }

  /** Takes note of what there is to say against the file, and whether anybody has to hear it. */
  #isNews(complaint: string | undefined): boolean {
    const isNews = this.#awaited || complaint !== this.#complaint;
    this.#awaited = false;
    this.#complaint = complaint;
    return isNews;
  }

  #reload({ config, warnings }: LoadedConfig): void {
    const { logger } = this.#options;
    if (this.#shutdown.state !== "in_service") return;
    this.#metrics.configuration("loaded");
    const changes = describeChanges(this.#config, config);
    const isNews = this.#isNews(undefined);
    if (changes.length === 0) {
      if (isNews) logger.info("Configuration loaded, nothing has changed");
      return;
    }
    for (const warning of warnings) logger.warning(warning);
    logger.info("Configuration loaded");
    for (const change of changes) logger.info(change);
    this.#config = config;
    this.#options.configureLog(config);
    this.#apply(config);
  }
}
