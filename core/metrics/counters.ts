/** Counters and histograms behind {@link Metrics}, under the names that GitLab Runner exports. */

import type { Registry } from "prom-client";
import { RUNNER_LABELS } from "./labels.ts";
import { type Meters, metersIn } from "./meters.ts";
import type { Metrics } from "./metrics.ts";

const SECONDS_API = [0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120];
const SECONDS_JOB = [30, 60, 300, 600, 1800, 3600, 7200, 10800, 18000, 36000];
const SECONDS_STAGE = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600];
const SECONDS_QUEUE = [1, 3, 10, 30, 60, 120, 300, 900, 1800, 3600];
const ERROR_LEVELS = ["warning", "error", "fatal", "panic"];

/** Jobs run as scripts; GitLab Runner's other mode is its step runner. */
const mode = "traditional";

/** Registers the counters and returns what feeds them. */
export function registerCounters(registry: Registry): Metrics {
  const meters = metersIn(registry);
  return {
    ...apiCounters(meters),
    ...jobStartCounters(meters),
    ...inputCounters(meters),
    ...jobEndCounters(meters),
    ...workerCounters(meters),
    ...processCounters(meters),
  };
}

/** Requests to coordinators. */
function apiCounters({ counter, histogram }: Meters): Pick<Metrics, "apiRequest" | "apiRetry"> {
  const apiStatuses = counter(
    "api_request_statuses_total",
    "Requests to the coordinator by their outcome.",
    ["runner", "system_id", "endpoint", "status", "method"],
  );
  const apiDurations = histogram(
    "api_request_duration_seconds",
    "Time that requests to the coordinator took.",
    ["runner", "system_id", "endpoint", "status_class", "method"],
    SECONDS_API,
  );
  const apiRetries = counter(
    "api_request_retries_total",
    "Requests to the coordinator that were sent again.",
    ["path", "method"],
  );
  return {
    apiRequest({ runner, systemId, endpoint, method, status, durationMs }) {
      const common = { runner, system_id: systemId, endpoint, method };
      apiStatuses.inc({ ...common, status });
      apiDurations.observe(
        { ...common, status_class: `${Math.floor(status / 100)}xx` },
        durationMs / 1000,
      );
    },
    apiRetry: (event) => apiRetries.inc({ ...event }),
  };
}

/** Jobs when they are taken, and the queue that they come from. */
function jobStartCounters(
  { counter, gauge, histogram }: Meters,
): Pick<Metrics, "jobStarted" | "queuedTooLong"> {
  const jobs = counter("jobs_total", "Jobs taken.", RUNNER_LABELS);
  const jobModes = counter("job_execution_mode_total", "Jobs by the way they run.", [
    "mode",
    "executor",
  ]);
  const queueDurations = histogram(
    "job_queue_duration_seconds",
    "Time that jobs waited in the coordinator's queue.",
    [...RUNNER_LABELS, "project_jobs_running"],
    SECONDS_QUEUE,
  );
  const queueSize = gauge(
    "job_queue_size",
    "Jobs in the queue of this runner, as the coordinator told with the last job.",
    RUNNER_LABELS,
  );
  const queueDepth = gauge(
    "job_queue_depth",
    "Jobs ahead of the last one in the queue, as the coordinator told.",
    RUNNER_LABELS,
  );
  const queuedTooLong = counter(
    "acceptable_job_queuing_duration_exceeded_total",
    "Jobs that waited for longer than monitoring.job_queuing_durations finds acceptable.",
    RUNNER_LABELS,
  );
  return {
    jobStarted(labels, queue) {
      jobs.inc({ ...labels });
      jobModes.inc({ mode, executor: queue.executor });
      queueDurations.observe(
        { ...labels, project_jobs_running: queue.projectJobsRunning },
        queue.seconds,
      );
      queueSize.set({ ...labels }, queue.size);
      queueDepth.set({ ...labels }, queue.depth);
    },
    queuedTooLong: (labels) => queuedTooLong.inc({ ...labels }),
  };
}

/** Inputs that are put into the payloads of jobs. */
function inputCounters({ counter }: Meters): Pick<Metrics, "inputsInterpolated"> {
  const interpolations = counter(
    "job_inputs_interpolations_total",
    "Jobs whose inputs were put into their payload.",
    [],
  );
  const interpolationFailures = counter(
    "job_inputs_interpolation_failures_total",
    "Jobs whose inputs could not be put into their payload.",
    ["error_type"],
  );
  return {
    inputsInterpolated(errorType) {
      if (errorType === undefined) interpolations.inc();
      else interpolationFailures.inc({ error_type: errorType });
    },
  };
}

/** Jobs and their stages when they are over. */
function jobEndCounters(
  { counter, histogram }: Meters,
): Pick<Metrics, "jobFinished" | "stageFinished"> {
  const jobDurations = histogram(
    "job_duration_seconds",
    "Time that jobs took.",
    [...RUNNER_LABELS, "mode"],
    SECONDS_JOB,
  );
  const stageDurations = histogram(
    "job_stage_duration_seconds",
    "Time that stages of jobs took, with FF_EXPORT_HIGH_CARDINALITY_METRICS.",
    [...RUNNER_LABELS, "stage"],
    SECONDS_STAGE,
  );
  const failedJobs = counter("failed_jobs_total", "Jobs that failed.", [
    "runner",
    "runner_name",
    "failure_reason",
    "mode",
  ]);
  return {
    jobFinished(labels, { durationMs, failureReason }) {
      jobDurations.observe({ ...labels, mode }, durationMs / 1000);
      if (failureReason === undefined) return;
      const { runner, runner_name } = labels;
      failedJobs.inc({ runner, runner_name, failure_reason: failureReason, mode });
    },
    stageFinished: (labels, { stage, durationMs }) =>
      stageDurations.observe({ ...labels, stage }, durationMs / 1000),
  };
}

/** Turns of runner entries, and the places for jobs. */
function workerCounters(
  { counter }: Meters,
): Pick<
  Metrics,
  | "workerSlotsChanged"
  | "workerFed"
  | "workerFeedFailed"
  | "healthCheckFailed"
  | "requestConcurrencyExceeded"
  | "processingFailed"
> {
  const slotOperations = counter(
    "worker_slot_operations_total",
    "Worker slots that were started and stopped.",
    ["operation"],
  );
  for (const operation of ["started", "stopped"]) slotOperations.inc({ operation }, 0);
  const concurrencyExceeded = counter(
    "request_concurrency_exceeded_total",
    "Requests for a job that were skipped because of request_concurrency.",
    RUNNER_LABELS,
  );
  const feeds = counter(
    "worker_feeds_total",
    "Times a runner entry was handed to a worker.",
    RUNNER_LABELS,
  );
  const feedFailures = counter(
    "worker_feed_failures_total",
    "Times no worker took a runner entry.",
    RUNNER_LABELS,
  );
  const healthFailures = counter(
    "worker_health_check_failures_total",
    "Turns that an unhealthy runner entry sat out.",
    RUNNER_LABELS,
  );
  const processingFailures = counter(
    "worker_processing_failures_total",
    "Turns of a runner entry that failed.",
    [...RUNNER_LABELS, "failure_type"],
  );
  return {
    workerSlotsChanged: (change) =>
      slotOperations.inc({ operation: change < 0 ? "stopped" : "started" }, Math.abs(change)),
    workerFed: (labels) => feeds.inc({ ...labels }),
    workerFeedFailed: (labels) => feedFailures.inc({ ...labels }),
    healthCheckFailed: (labels) => healthFailures.inc({ ...labels }),
    requestConcurrencyExceeded: (labels) => concurrencyExceeded.inc({ ...labels }),
    processingFailed: (labels, failure) =>
      processingFailures.inc({ ...labels, failure_type: failure }),
  };
}

/** The process's own log and configuration. */
function processCounters({ counter }: Meters): Pick<Metrics, "configuration" | "logged"> {
  const errors = counter("errors_total", "Log lines from warning up.", ["level"]);
  for (const level of ERROR_LEVELS) errors.inc({ level }, 0);
  const configuration = {
    "loaded": counter("configuration_loaded_total", "Times the configuration was loaded.", []),
    "loading-error": counter(
      "configuration_loading_error_total",
      "Times loading the configuration failed.",
      [],
    ),
    "saved": counter("configuration_saved_total", "Times the configuration was saved.", []),
    "saving-error": counter(
      "configuration_saving_error_total",
      "Times saving the configuration failed.",
      [],
    ),
  };
  return {
    configuration: (outcome) => configuration[outcome].inc(),
    logged: (level) => errors.inc({ level }),
  };
}
