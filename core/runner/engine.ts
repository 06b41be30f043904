/** What `run` and `run-single` have in common: a pool of runner entries and all their jobs need. */

import type { GlobalConfig } from "../config/schema.ts";
import { systemClock } from "../coordinator/clock.ts";
import type { ExecutorHost, ExecutorProvider } from "../executor.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { ManagerSnapshot, ProcessState } from "../metrics/snapshot.ts";
import type { Registry } from "../registry.ts";
import type { OnFailedJob } from "../run/failed_job.ts";
import type { Shell } from "../shell.ts";
import { Outbox } from "../trace/outbox.ts";
import type { JobRecord } from "../trace/record.ts";
import { ProcessShutdown } from "../util/abort.ts";
import { Semaphore } from "../util/semaphore.ts";
import { ActiveJobs } from "./active_jobs.ts";
import { runAssignedJob } from "./assigned_job.ts";
import type { Connect, ConnectOptions } from "./connect.ts";
import { JobTraces } from "./job_traces.ts";
import { MemoryCare, type OwnMemory } from "./memory_care.ts";
import { outboxHandle } from "./outbox_handle.ts";
import { RunnerPool } from "./pool.ts";
import { recoverJobs } from "./recovery.ts";
import { JobSlots } from "./slots.ts";
import { takeSnapshot } from "./snapshot.ts";
import type { Assignment } from "./worker.ts";

export interface EngineOptions {
  /** Absolute path of config.toml; certificates are looked for beside it. */
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly systemId: string;
  readonly stateDir: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly executors: Registry<ExecutorProvider>;
  readonly shells: Registry<Shell>;
  /** Opens the connection of an entry to its source of jobs. */
  readonly connect: Connect;
  readonly onFailedJob?: OnFailedJob;
  /** Of a process that goes on for long after its jobs; undefined: it ends with them. */
  readonly memory?: OwnMemory;
  /** Called when a job has come. */
  readonly onJobStart?: () => void;
  /** Called when a job has been told of and has left its place, or was not run after all. */
  readonly onJobEnd?: (id: number) => void;
}

/** Large trace chunks in memory at once while kept results are delivered. */
const OUTBOX_CHUNKS = 2;

export class RunnerEngine {
  readonly connection: ConnectOptions;
  readonly #options: EngineOptions;
  readonly #host: ExecutorHost;
  readonly #active = new ActiveJobs();
  readonly #memory: MemoryCare | undefined;
  readonly #slots = new Map<string, JobSlots>();
  readonly #background = new Set<Promise<void>>();
  /** Ends reports and deliveries that are under way. */
  readonly #reporting = new AbortController();
  readonly #outbox: Outbox;
  readonly #traces: JobTraces;
  readonly #pool: RunnerPool;
  /** Calls about a job of which only its record is left. */
  readonly #handleFor = (record: JobRecord) =>
    outboxHandle(record, (address) => this.#connect(address, this.connection));
  readonly #connect: Connect;

  constructor(options: EngineOptions) {
    const { configPath, env, logger, metrics, systemId, stateDir, executors } = options;
    this.#connect = options.connect;
    this.#options = options;
    this.#memory = options.memory === undefined ? undefined : new MemoryCare(options.memory);
    this.#host = { logger, systemId, stateDir };
    this.connection = { configPath, systemId, env, logger, metrics };
    this.#outbox = new Outbox({
      handleFor: this.#handleFor,
      chunks: new Semaphore(OUTBOX_CHUNKS),
      clock: systemClock,
      logger,
      signal: this.#reporting.signal,
    });
    this.#traces = new JobTraces({ stateDir, logger, outbox: this.#outbox });
    this.#pool = new RunnerPool({
      systemId,
      host: this.#host,
      logger,
      metrics,
      executors,
      shells: options.shells,
      connect: (runner, { connection_max_age: connectionMaxAgeMs }) =>
        this.#connect(runner, { ...this.connection, connectionMaxAgeMs }),
      run: (assignment) => this.#run(assignment),
    });
  }

  get runningJobs(): number {
    return this.#active.all.length;
  }

  /** Answers for the jobs of a process that died; before that, no new job may start. */
  async recover({ runners }: GlobalConfig): Promise<void> {
    await recoverJobs({
      runners,
      host: this.#host,
      executors: this.#options.executors,
      outbox: this.#outbox,
      handleFor: this.#handleFor,
      signal: this.#reporting.signal,
    });
  }

  /** Takes a configuration into force, and asks for jobs. */
  apply(config: GlobalConfig): void {
    this.#pool.apply(config);
  }

  /** Takes no more jobs; resolves when those that run are told of and tidied up. */
  async drain(): Promise<void> {
    await this.#pool.drain();
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Ends one job as a coordinator's cancel does; nothing happens when it does not run. */
  cancelJob(id: number): void {
    this.#active.all.find((job) => job.id === id)?.cancel();
  }

  /** Ends all jobs now; `drain` then resolves soon. */
  abortJobs(signal?: "terminated" | "interrupt"): void {
    this.#active.abortAll(new ProcessShutdown(true, signal));
  }

  /** Gives up what is still being sent; it stays on disk. Call it last. */
  close(): void {
    this.#reporting.abort(new ProcessShutdown(true));
  }

  snapshot(config: GlobalConfig, state: ProcessState): ManagerSnapshot {
    return takeSnapshot({ config, state, workers: this.#pool.workers, jobs: this.#active.all });
  }

  async #run(assignment: Assignment): Promise<void> {
    const { logger, metrics, shells, systemId } = this.#options;
    this.#options.onJobStart?.();
    this.#memory?.jobStarted();
    await runAssignedJob(assignment, {
      host: this.#host,
      systemId,
      logger,
      metrics,
      shells,
      onFailedJob: this.#options.onFailedJob,
      budget: this.#pool.budget,
      active: this.#active,
      traces: this.#traces,
      slots: (token) => this.#slotsOf(token),
      background: (work) => this.#watchOver(work),
      signal: this.#reporting.signal,
    });
    this.#memory?.jobEnded(this.runningJobs);
    this.#options.onJobEnd?.(assignment.outcome.job.id);
  }

  #slotsOf(token: string): JobSlots {
    const slots = this.#slots.get(token) ?? new JobSlots();
    this.#slots.set(token, slots);
    return slots;
  }

  #watchOver(work: Promise<void>): void {
    const watched = work.finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }
}
