/** How a job ended, and what a failure means: whether it is tried again, and whether it counts. */

import type { CiAllowFailure, CiRetry } from "./ci_config.ts";

/**
 * How a job or a pipeline ended. `manual`: the pipeline, or that which a trigger job waits for, is
 * blocked by a manual job.
 */
export type EndStatus = "success" | "failed" | "canceled" | "manual";

export interface JobOutcome {
  readonly status: EndStatus;
  readonly exitCode: number | undefined;
  /** As GitLab names it. */
  readonly failureReason: string | undefined;
}

/** `attempt` is the one that failed, from 1. */
export function isRetried(
  { max, when, exitCodes }: CiRetry,
  { status, exitCode, failureReason }: JobOutcome,
  attempt: number,
): boolean {
  if (status !== "failed" || attempt > max) return false;
  return when.includes("always") ||
    (failureReason !== undefined && when.includes(failureReason)) ||
    (exitCode !== undefined && exitCodes.includes(exitCode));
}

export function isFailureAllowed(
  allowFailure: CiAllowFailure,
  { exitCode }: JobOutcome,
): boolean {
  if (typeof allowFailure === "boolean") return allowFailure;
  return exitCode !== undefined && allowFailure.exitCodes.includes(exitCode);
}
