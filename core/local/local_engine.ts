/** The engine of a local run: the one that serves GitLab, with a board of local jobs to serve. */

import { configOf } from "../config/entry.ts";
import type { RunnerConfig } from "../config/schema.ts";
import { ConfigurationError } from "../errors.ts";
import type { ExecutorProvider } from "../executor.ts";
import type { Logger } from "../log/logger.ts";
import { noMetrics } from "../metrics/no_metrics.ts";
import type { Registry } from "../registry.ts";
import { RunnerEngine } from "../runner/engine.ts";
import type { Shell } from "../shell.ts";
import { boardCoordinator, type JobBoard } from "./job_board.ts";
import type { LocalState } from "./state.ts";

export interface LocalEngineOptions {
  /** Those that jobs are known to need; others may turn out to be needed later. */
  readonly needed: readonly string[];
  /** Of which an earlier run may have left something. */
  readonly possible: readonly string[];
  readonly entryFor: (executor: string) => RunnerConfig;
  readonly executors: Registry<ExecutorProvider>;
  readonly shells: Registry<Shell>;
  readonly state: LocalState;
  readonly board: JobBoard;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** How many jobs run at once is decided before they are offered. */
const MOST_JOBS = 10_000;

/** Takes jobs from the board. Disposing it waits until all is tidied up. */
export class LocalEngine implements AsyncDisposable {
  readonly #engine: RunnerEngine;
  readonly #options: LocalEngineOptions;
  /** By executor: settled when its jobs are taken. */
  readonly #served = new Map<string, Promise<void>>();
  readonly #entries: RunnerConfig[] = [];

  /**
   * First ends what an earlier run that died has left. Throws ConfigurationError when an executor
   * that is needed could take no job.
   */
  static async open(options: LocalEngineOptions): Promise<LocalEngine> {
    const opened = new LocalEngine(options);
    await opened.#engine.recover(configOf(options.possible.map(options.entryFor), MOST_JOBS));
    for (const executor of options.needed) await opened.serve(executor);
    return opened;
  }

  private constructor(options: LocalEngineOptions) {
    const { state, board, executors, shells, env, logger } = options;
    this.#options = options;
    this.#engine = new RunnerEngine({
      configPath: state.config,
      env,
      systemId: state.id,
      stateDir: state.engine,
      logger,
      metrics: noMetrics,
      executors,
      shells,
      connect: ({ executor }) => boardCoordinator(board, executor),
      onJobEnd: (id) => board.find(id)?.end(),
      onFailedJob: (failed) => board.find(failed.spec.id)?.tellFailed(failed),
    });
  }

  /** Has jobs of this executor taken. Throws ConfigurationError when it could take none. */
  async serve(executor: string): Promise<void> {
    const served = this.#served.get(executor) ?? this.#serve(executor);
    this.#served.set(executor, served);
    await served;
  }

  async #serve(executor: string): Promise<void> {
    const entry = this.#options.entryFor(executor);
    await assertUsable(entry, this.#options);
    this.#entries.push(entry);
    this.#engine.apply(configOf(this.#entries, MOST_JOBS));
  }

  /** Stops the script of a job; `after_script` and what else comes after it still run. */
  cancelJob(id: number): void {
    this.#engine.cancelJob(id);
  }

  /** Ends all jobs now. */
  abortJobs(): void {
    this.#engine.abortJobs();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.drain();
    this.#engine.close();
    for (const provider of this.#options.executors.all) await provider[Symbol.asyncDispose]();
  }
}

/** The engine would wait for what is not there, as a server's jobs can; people want to know. */
async function assertUsable(
  entry: RunnerConfig,
  { executors, state, logger, signal }: LocalEngineOptions,
): Promise<void> {
  const provider = executors.get(entry.executor);
  // This host's own shell takes any job.
  if (entry.executor === "shell") return;
  const host = { logger, systemId: state.id, stateDir: state.engine };
  await using executor = await provider.acquire(entry, { host, signal });
  if (executor !== undefined) return;
  throw new ConfigurationError(
    entry.executor === "docker"
      ? "There are jobs with an image, and no container engine answers: start Docker or Podman's service " +
        "(without root, systemctl --user start podman.socket), say where it is with DOCKER_HOST or " +
        "--docker-host, or run all jobs with --executor shell"
      : `The executor "${entry.executor}" takes no jobs now`,
  );
}
