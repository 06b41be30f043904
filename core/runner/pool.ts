/** All runner entries of one configuration, sharing the global number of jobs. */

import type { GlobalConfig, RunnerConfig } from "../config/schema.ts";
import type { Coordinator } from "../coordinator/coordinator.ts";
import { messageOf } from "../errors.ts";
import type { ExecutorHost, ExecutorProvider } from "../executor.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Registry } from "../registry.ts";
import type { Shell } from "../shell.ts";
import { shortToken } from "../util/token.ts";
import { runnerInfo } from "./announce.ts";
import { JobBudget } from "./budget.ts";
import { assertToken } from "./connect.ts";
import { RunnerLoad } from "./runner_load.ts";
import { type Assignment, RunnerWorker, type WorkerParts } from "./worker.ts";

export interface PoolOptions {
  readonly systemId: string;
  readonly host: ExecutorHost;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly executors: Registry<ExecutorProvider>;
  readonly shells: Registry<Shell>;
  /** Opens the connection of one entry. */
  readonly connect: (runner: RunnerConfig, config: GlobalConfig) => Coordinator;
  readonly run: (assignment: Assignment) => Promise<void>;
}

export class RunnerPool {
  readonly #options: PoolOptions;
  readonly #budget: JobBudget;
  readonly #workers = new Map<string, RunnerWorker>();
  /** By token: entries that share one share its limits, across reloads. */
  readonly #loads = new Map<string, RunnerLoad>();
  readonly #leaving = new Set<Promise<void>>();
  #turn = 0;
  #draining = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#budget = new JobBudget(0, () => this.#pump());
  }

  get budget(): JobBudget {
    return this.#budget;
  }

  get workers(): readonly RunnerWorker[] {
    return [...this.#workers.values()];
  }

  /** Takes a configuration into force: new entries start, gone ones finish what they run. */
  apply(config: GlobalConfig): void {
    const wanted = new Map<string, RunnerConfig>();
    for (const runner of config.runners) {
      const key = workerKey(runner);
      let nth = 0;
      while (wanted.has(`${key} ${nth}`)) nth++;
      wanted.set(`${key} ${nth}`, runner);
    }
    for (const [key, worker] of this.#workers) {
      if (wanted.has(key)) continue;
      this.#workers.delete(key);
      this.#retire(worker);
    }
    for (const [key, runner] of wanted) this.#configure(key, runner, config);
    const { capacity } = this.#budget;
    if (config.concurrent !== capacity) {
      this.#options.metrics.workerSlotsChanged(config.concurrent - capacity);
    }
    this.#budget.configure(config.concurrent);
    this.#pump();
  }

  /** Takes no more jobs; resolves when those that run have ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const worker of this.workers) this.#retire(worker);
    this.#workers.clear();
    while (this.#leaving.size > 0) await Promise.all([...this.#leaving]);
  }

  #configure(key: string, runner: RunnerConfig, config: GlobalConfig): void {
    const worker = this.#workers.get(key);
    try {
      const parts = this.#parts(runner, config);
      if (worker !== undefined) {
        worker.parts.coordinator[Symbol.dispose]();
        worker.configure(parts);
        return;
      }
      const { logger, metrics, host, run } = this.#options;
      const load = this.#loadOf(runner);
      const budget = this.#budget;
      const created = new RunnerWorker(parts, { budget, load, logger, metrics, host, run });
      this.#workers.set(key, created);
    } catch (error) {
      const what = worker === undefined
        ? "Cannot use this runner"
        : "Cannot use this runner's new settings; the old ones stay in force";
      this.#options.logger.error(what, {
        runner: shortToken(runner.token.reveal()),
        runner_name: runner.name,
        error: messageOf(error),
      });
    }
  }

  #parts(runner: RunnerConfig, config: GlobalConfig): WorkerParts {
    assertToken(runner);
    const { executors, shells, connect, systemId } = this.#options;
    const provider = executors.get(runner.executor);
    const info = () => runnerInfo(runner, provider.info(runner), config.labels);
    // An entry that can run no job is told of now.
    info();
    if (runner.shell !== "") shells.get(runner.shell);
    return {
      runner,
      provider,
      coordinator: connect(runner, config),
      info,
      labels: {
        runner: shortToken(runner.token.reveal()),
        runner_name: runner.name,
        system_id: systemId,
      },
      schedule: {
        checkIntervalMs: config.check_interval * 1000,
        strictCheckInterval: runner.strict_check_interval ?? false,
        unhealthyRequestsLimit: runner.unhealthy_requests_limit,
        unhealthyIntervalMs: runner.unhealthy_interval,
      },
      requests: {
        requestConcurrency: Math.max(1, runner.request_concurrency),
        adaptive: runner.feature_flags["FF_USE_ADAPTIVE_REQUEST_CONCURRENCY"] ?? true,
      },
    };
  }

  #loadOf(runner: RunnerConfig): RunnerLoad {
    const token = runner.token.reveal();
    const load = this.#loads.get(token) ?? new RunnerLoad();
    this.#loads.set(token, load);
    return load;
  }

  #retire(worker: RunnerWorker): void {
    const leaving = worker.drain().finally(() => {
      const { coordinator, provider, runner } = worker.parts;
      coordinator[Symbol.dispose]();
      provider.release?.(runner);
      this.#leaving.delete(leaving);
    });
    this.#leaving.add(leaving);
  }

  /** Each time another entry comes first, so that none is always served last. */
  #pump(): void {
    if (this.#draining) return;
    const workers = this.workers;
    this.#turn++;
    for (let index = 0; index < workers.length; index++) {
      workers[(index + this.#turn) % workers.length]?.pump();
    }
  }
}

/** What makes an entry the same after a reload. */
function workerKey(runner: RunnerConfig): string {
  return JSON.stringify([runner.url, runner.token.reveal(), runner.name, runner.executor]);
}
