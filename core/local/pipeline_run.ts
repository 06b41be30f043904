/** Runs the jobs of one pipeline: each as soon as what it waits for is done. */

import type { CiAllowFailure } from "../pipeline/ci_config.ts";
import { type EndStatus, isFailureAllowed } from "../pipeline/job_outcome.ts";
import type { Pipeline, PipelineJob } from "../pipeline/pipeline.ts";
import { beginProgress, cancelProgress, reportFinished, reportTime } from "../pipeline/progress.ts";
import type { ProgressStep } from "../pipeline/progress_state.ts";
import type { Selection, SkippedJob, SkipReason } from "../pipeline/select.ts";
import { JobCanceled } from "../util/abort.ts";
import type { EventStream } from "./event_stream.ts";
import { endedAs } from "./events.ts";
import type { AttemptReport } from "./job_attempt.ts";

export interface PipelineRunOptions {
  readonly pipeline: Pipeline;
  readonly selection: Selection;
  /** Names of the trigger jobs above it. */
  readonly path: readonly string[];
  readonly events: EventStream;
  /** Runs one attempt; it waits for its turn itself, and ends soon when `signal` aborts. Never rejects. */
  readonly runJob: (
    job: PipelineJob,
    attempt: number,
    options: { readonly signal: AbortSignal },
  ) => Promise<AttemptReport>;
  readonly signal: AbortSignal;
}

/** A job that has run, with its last attempt. */
export interface JobEnd {
  readonly job: PipelineJob;
  readonly report: AttemptReport;
  readonly allowed: boolean;
  /** All attempts together. */
  readonly durationMs: number;
}

export interface PipelineEnd {
  readonly status: EndStatus;
  readonly ends: readonly JobEnd[];
  /** Full names of jobs that did not run for what became of others. */
  readonly unreached: readonly string[];
}

export async function runPipeline(options: PipelineRunOptions): Promise<PipelineEnd> {
  return await new PipelineRun(options).run();
}

/** Those that would run if nothing had failed or been canceled. */
const UNREACHED: readonly SkipReason[] = ["needs_failed", "stage_failed", "canceled"];

/** Timers hold no more; a longer wait is taken up again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

class PipelineRun {
  readonly #options: PipelineRunOptions;
  readonly #ends: JobEnd[] = [];
  readonly #unreached: string[] = [];
  readonly #durations = new Map<string, number>();
  readonly #over = Promise.withResolvers<EndStatus>();
  /** A job has failed that ends all others. */
  readonly #stop = new AbortController();
  readonly #jobSignal: AbortSignal;
  #step: ProgressStep;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PipelineRunOptions) {
    this.#options = options;
    this.#jobSignal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#step = beginProgress(options.pipeline, options.selection, performance.now());
  }

  async run(): Promise<PipelineEnd> {
    const { selection, signal } = this.#options;
    for (const job of selection.run) this.#tellCreated(job);
    for (const skipped of selection.skipped) this.#tellSkipped(skipped);
    const cancel = () => this.#take(cancelProgress(this.#step.progress, performance.now()));
    // Jobs that may start count as running: with a signal that has aborted they end at once.
    this.#take(this.#step);
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
    const status = await this.#over.promise;
    signal.removeEventListener("abort", cancel);
    clearTimeout(this.#timer);
    return { status, ends: this.#ends, unreached: this.#unreached };
  }

  #take(step: ProgressStep): void {
    this.#step = step;
    for (const skipped of step.skipped) {
      if (UNREACHED.includes(skipped.reason)) this.#unreached.push(skipped.name);
      this.#tellSkipped(skipped);
    }
    if (step.progress.canceledBy === "failure") this.#stop.abort(new JobCanceled());
    for (const { job, attempt } of step.start) void this.#runJob(job, attempt);
    clearTimeout(this.#timer);
    if (step.status !== "running") this.#over.resolve(step.status);
    else if (step.dueAtMs !== undefined) {
      const wait = Math.max(0, step.dueAtMs - performance.now());
      this.#timer = setTimeout(
        () => this.#take(reportTime(this.#step.progress, performance.now())),
        Math.min(wait, LONGEST_TIMER_MS),
      );
    }
  }

  async #runJob(job: PipelineJob, attempt: number): Promise<void> {
    const report = await this.#options.runJob(job, attempt, { signal: this.#jobSignal });
    const allowed = report.status === "failed" && isFailureAllowed(job.allowFailure, report);
    this.#tellFinished(job, attempt, report, allowed);
    const durationMs = (this.#durations.get(job.name) ?? 0) + report.durationMs;
    this.#durations.set(job.name, durationMs);
    const before = this.#step.progress;
    const next = reportFinished(before, job.name, report, performance.now());
    const isAgain = next.start.some((started) => started.job === job);
    if (!isAgain) this.#ends.push({ job, report, allowed, durationMs });
    this.#take(next);
  }

  #tellCreated(job: PipelineJob): void {
    this.#options.events.emit({
      type: "job.created",
      ...this.#of(job),
      when: job.when,
      allow_failure: allowFailure(job.allowFailure),
      needs: job.needs?.map((need) => need.job) ?? null,
    });
  }

  #tellSkipped({ name, stage, reason, message }: SkippedJob): void {
    const job = this.#of({ name, stage });
    this.#options.events.emit({ type: "job.skipped", ...job, reason, message });
  }

  #tellFinished(job: PipelineJob, attempt: number, report: AttemptReport, allowed: boolean): void {
    const { environment } = job;
    this.#options.events.emit({
      type: "job.finished",
      ...this.#of(job),
      ...endedAs(report.status),
      exit_code: report.exitCode ?? null,
      failure_reason: report.failureReason ?? null,
      allow_failure: allowed,
      attempt,
      duration_ms: report.durationMs,
      coverage: report.coverage ?? null,
      script: report.failedPart ?? null,
      after_script_exit_code: report.afterScriptExitCode ?? null,
      environment: environment === undefined
        ? null
        : { name: environment.name, url: report.environmentUrl ?? environment.url ?? null },
    });
  }

  #of({ name, stage }: { readonly name: string; readonly stage: string }) {
    return { job: name, stage, pipeline: [...this.#options.path] };
  }
}

function allowFailure(allow: CiAllowFailure): boolean | { exit_codes: number[] } {
  return typeof allow === "boolean" ? allow : { exit_codes: [...allow.exitCodes] };
}
