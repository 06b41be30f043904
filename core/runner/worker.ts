/**
 * One `[[runners]]` entry: asks its coordinator for jobs and hands them on. A request that waits for
 * a job holds no place among the running jobs, so a slow coordinator delays nobody else.
 */

import type { RunnerConfig } from "../config/schema.ts";
import type { Coordinator, JobRequestOutcome, RunnerInfo } from "../coordinator/coordinator.ts";
import { messageOf } from "../errors.ts";
import type { Executor, ExecutorHost, ExecutorProvider } from "../executor.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics, RunnerLabels } from "../metrics/metrics.ts";
import { formatDuration } from "../util/units.ts";
import type { JobBudget, Permit } from "./budget.ts";
import type { RequestLimit, RequestLimitSettings } from "./request_limit.ts";
import type { RunnerLoad } from "./runner_load.ts";
import { type RequestResult, Schedule, type ScheduleSettings } from "./schedule.ts";

/** What a worker is made of; a reload gives it a new set. */
export interface WorkerParts {
  readonly runner: RunnerConfig;
  readonly schedule: ScheduleSettings;
  readonly requests: RequestLimitSettings;
  readonly coordinator: Coordinator;
  readonly provider: ExecutorProvider;
  /** Asked for after each `acquire`: only then a plugin has said what it can do. */
  readonly info: () => RunnerInfo;
  readonly labels: RunnerLabels;
}

/** A job that has come, with what was reserved for it. */
export interface Assignment {
  readonly parts: WorkerParts;
  readonly outcome: Extract<JobRequestOutcome, { kind: "job" | "unusable-job" }>;
  readonly executor: Executor;
  /** Undefined: all places were taken when the job came; one has to be waited for. */
  readonly permit: Permit | undefined;
}

export interface WorkerOptions {
  readonly budget: JobBudget;
  readonly load: RunnerLoad;
  readonly host: ExecutorHost;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Runs the job; resolves when the coordinator has been told how it ended. Never rejects. */
  readonly run: (assignment: Assignment) => Promise<void>;
}

/** A coordinator with a waiting job answers within this; a request open for longer is a long poll. */
const QUICK_ANSWER_MS = 1000;

export class RunnerWorker {
  #parts: WorkerParts;
  readonly #options: WorkerOptions;
  readonly #schedule: Schedule;
  readonly #stopping = new AbortController();
  readonly #retry = () => this.pump();
  readonly #jobs = new Set<Promise<void>>();
  readonly #requests = new Set<Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The last request took so long that the next one is not expected to be quick either. */
  #slow = false;

  constructor(parts: WorkerParts, options: WorkerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#schedule = new Schedule(parts.schedule);
  }

  get parts(): WorkerParts {
    return this.#parts;
  }

  get schedule(): Schedule {
    return this.#schedule;
  }

  get openRequests(): number {
    return this.#requests.size;
  }

  get requestLimit(): RequestLimit {
    return this.#options.load.requestLimit;
  }

  get runningJobs(): number {
    return this.#jobs.size;
  }

  /** New settings for the next request; jobs that run keep theirs. */
  configure(parts: WorkerParts): void {
    this.#parts = parts;
    this.#schedule.configure(parts.schedule);
    this.pump();
  }

  /** Starts as many requests as are allowed now. Call it whenever that may have changed. */
  pump(): void {
    clearTimeout(this.#timer);
    const { runner, labels, requests } = this.#parts;
    const { budget, load, metrics } = this.#options;
    while (!this.#stopping.signal.aborted) {
      const wait = this.#schedule.waitMs(performance.now());
      if (wait > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.min(wait, 2 ** 31 - 1));
        return;
      }
      if (runner.limit > 0 && load.places >= runner.limit) {
        load.wait(this.#retry);
        return;
      }
      if (load.requests >= load.requestLimit.most(requests)) {
        metrics.requestConcurrencyExceeded(labels);
        load.wait(this.#retry);
        return;
      }
      const permit = budget.reserve();
      if (permit === undefined) {
        metrics.workerFeedFailed(labels);
        return;
      }
      if (this.#schedule.isUnhealthy && this.#requests.size === 0) this.#tellPauseOver();
      metrics.workerFed(labels);
      load.asked(this.#retry);
      const request = this.#ask(permit).then((hasJob) => {
        this.#requests.delete(request);
        load.answered({ hasJob });
        this.pump();
      });
      this.#requests.add(request);
    }
  }

  /** Asks no more and gives up open requests. Resolves when the running jobs have ended. */
  async drain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort(new Error("The runner stops asking for jobs"));
    await Promise.allSettled([...this.#requests]);
    while (this.#jobs.size > 0) await Promise.allSettled([...this.#jobs]);
  }

  /** Whether a job has come. Never rejects. */
  async #ask(permit: Permit): Promise<boolean> {
    const parts = this.#parts;
    const started = performance.now();
    let askedAt = started;
    let strained = false;
    // A request that is not answered at once waits for a job; it must not hold a place meanwhile.
    let held: Permit | undefined = permit;
    const giveBack = () => {
      held?.[Symbol.dispose]();
      held = undefined;
    };
    const patience = setTimeout(giveBack, this.#slow ? 0 : QUICK_ANSWER_MS);
    let given = false;
    let result: RequestResult = "failed";
    try {
      const executor = await this.#acquire(parts);
      if (executor === undefined) return false;
      try {
        const outcome = await parts.coordinator.requestJob({ info: parts.info() }, {
          signal: this.#stopping.signal,
          onRepeat: () => {
            askedAt = performance.now();
            strained = true;
          },
        });
        result = this.#judge(outcome);
        if (outcome.kind === "job" || outcome.kind === "unusable-job") {
          given = true;
          // A place that is free is this job's, and not the next request's.
          const place = held ?? this.#options.budget.reserve();
          this.#start({ parts, outcome, executor, permit: place });
        }
      } finally {
        if (!given) await executor[Symbol.asyncDispose]();
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) {
        this.#options.metrics.processingFailed(parts.labels, "other");
        this.#options.logger.error("Checking for jobs... failed", {
          runner: parts.labels.runner,
          error: messageOf(error),
        });
      }
    } finally {
      clearTimeout(patience);
      const now = performance.now();
      this.#slow = result !== "job" && now - started > QUICK_ANSWER_MS;
      if (!given) giveBack();
      this.#schedule.note(result, askedAt, now);
      this.requestLimit.note(result, parts.requests, { strained });
      if (result === "unhealthy" && this.#schedule.isUnhealthy) this.#tellPause();
    }
    return given;
  }

  async #acquire(parts: WorkerParts): Promise<Executor | undefined> {
    const { host, metrics } = this.#options;
    const { signal } = this.#stopping;
    const executor = await parts.provider.acquire(parts.runner, { host, signal });
    if (executor === undefined) metrics.processingFailed(parts.labels, "no_free_executor");
    return executor;
  }

  #judge(outcome: JobRequestOutcome): RequestResult {
    switch (outcome.kind) {
      case "job":
      case "unusable-job":
        return "job";
      case "no-job":
      case "conflict":
        return "no-job";
      case "rejected":
      case "unreachable":
        return "failed";
      case "forbidden":
        this.#options.metrics.healthCheckFailed(this.#parts.labels);
        return "unhealthy";
    }
  }

  /** Otherwise nobody would know why a runner asks for nothing for an hour. */
  #tellPause(): void {
    const { runner, labels, schedule } = this.#parts;
    const pause = formatDuration(schedule.unhealthyIntervalMs);
    this.#options.logger.error(
      `Runner "${runner.url} ${labels.runner}" is unhealthy and will be disabled for ${pause}`,
      { runner_name: runner.name, unhealthy_requests_limit: schedule.unhealthyRequestsLimit },
    );
  }

  #tellPauseOver(): void {
    const { runner, labels } = this.#parts;
    this.#options.logger.warning(
      `Runner "${runner.url} ${labels.runner}" is not healthy, but check for a new job will be forced`,
      { runner_name: runner.name },
    );
  }

  #start(assignment: Assignment): void {
    const job = this.#options.run(assignment).finally(() => {
      this.#jobs.delete(job);
      this.#options.load.jobEnded();
      this.pump();
    });
    this.#jobs.add(job);
  }
}
