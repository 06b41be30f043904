/** Tells the coordinator how a job ended, and the runner's log and metrics with it. */

import type { JobHandle } from "../coordinator/coordinator.ts";
import { finalState, type JobResult } from "../job/result.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics, RunnerLabels } from "../metrics/metrics.ts";
import { errorLine } from "../trace/lines.ts";
import type { OpenedTrace } from "./job_traces.ts";

export interface JobReport {
  readonly opened: OpenedTrace;
  readonly result: JobResult;
  /** The failure reasons that this coordinator knows. */
  readonly acceptedReasons: readonly string[];
  /** `performance.now()` when the job was taken. */
  readonly startedAt: number;
}

export interface ReportOptions {
  readonly labels: RunnerLabels;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Ends the delivery; what is left is kept for later. */
  readonly signal: AbortSignal;
}

/** Resolves when the coordinator has the whole trace and the result, or both are kept for later. */
export async function reportJob(report: JobReport, options: ReportOptions): Promise<void> {
  const { opened, result, acceptedReasons, startedAt } = report;
  const { labels, metrics, log, signal } = options;
  const state = finalState(result, acceptedReasons);
  const delivery = await opened.finish(state, { signal });
  const durationMs = performance.now() - startedAt;
  const failureReason = result.kind === "failed" ? result.reason : undefined;
  metrics.jobFinished(labels, { durationMs, failureReason });
  if (failureReason !== undefined) metrics.processingFailed(labels, "job_failure");
  const fields = { duration_s: (durationMs / 1000).toFixed(3), "job-status": state.state };
  if (result.kind === "success") log.info("Job succeeded", fields);
  else {
    log.warning(`Job failed: ${result.message}`, {
      ...fields,
      error: result.message,
      exit_code: state.exitCode ?? 0,
      failure_reason: failureReason ?? "job_canceled",
    });
  }
  if (delivery.kind === "kept") {
    log.error("The result could not be delivered; it is kept and sent later", {
      error: delivery.why,
    });
  }
}

/** The last way to answer for a job whose trace could not even be opened: without any file. */
export async function reportWithoutTrace(
  handle: JobHandle,
  why: string,
  options: { log: Logger; signal: AbortSignal },
): Promise<void> {
  const { log, signal } = options;
  const bytes = new TextEncoder().encode(errorLine(`Job failed (system failure): ${why}`));
  await handle.patchTrace({ offset: 0, bytes, debugTrace: false }, { signal });
  const outcome = await handle.updateJob({
    state: "failed",
    failureReason: "runner_system_failure",
    trace: { crc32: Bun.hash.crc32(bytes), size: bytes.length },
  }, { signal });
  log.info("Submitted the job's failure without its trace", { outcome: outcome.kind });
}
