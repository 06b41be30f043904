/** What the manager counts. Names and labels on the wire are GitLab Runner's (see counters.ts). */

import type { FailureReason } from "../errors.ts";

/** Labels of one runner entry. */
export interface RunnerLabels {
  /** Short token. */
  readonly runner: string;
  readonly runner_name: string;
  readonly system_id: string;
}

/** Where the manager reports what happens. Calls are cheap and never throw. */
export interface Metrics {
  apiRequest(event: {
    readonly runner: string;
    readonly systemId: string;
    readonly endpoint: string;
    readonly method: string;
    readonly status: number;
    readonly durationMs: number;
  }): void;
  apiRetry(event: { readonly path: string; readonly method: string }): void;
  jobStarted(labels: RunnerLabels, queue: {
    readonly seconds: number;
    readonly projectJobsRunning: string;
    readonly size: number;
    readonly depth: number;
    /** The name of the executor that runs the job. */
    readonly executor: string;
  }): void;
  /** A job has waited for longer than `monitoring.job_queuing_durations` finds acceptable. */
  queuedTooLong(labels: RunnerLabels): void;
  jobFinished(labels: RunnerLabels, event: {
    readonly durationMs: number;
    readonly failureReason: FailureReason | undefined;
  }): void;
  /** Only called with FF_EXPORT_HIGH_CARDINALITY_METRICS. */
  stageFinished(labels: RunnerLabels, event: {
    readonly stage: string;
    readonly durationMs: number;
  }): void;
  /** A job's inputs have been put into its payload; or not, for this kind of error. */
  inputsInterpolated(errorType: string | undefined): void;
  /** Places for jobs were opened, or closed when `change` is negative. */
  workerSlotsChanged(change: number): void;
  workerFed(labels: RunnerLabels): void;
  workerFeedFailed(labels: RunnerLabels): void;
  healthCheckFailed(labels: RunnerLabels): void;
  requestConcurrencyExceeded(labels: RunnerLabels): void;
  processingFailed(
    labels: RunnerLabels,
    failure: "other" | "no_free_executor" | "job_failure",
  ): void;
  /** What came of reading config.toml, or of writing a new token into it. */
  configuration(outcome: "loaded" | "loading-error" | "saved" | "saving-error"): void;
  logged(level: string): void;
}
