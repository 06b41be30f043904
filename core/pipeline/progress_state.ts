/** Where a run of a pipeline stands. */

import type { JobStanding } from "./composite_status.ts";
import { isFailureAllowed, type JobOutcome } from "./job_outcome.ts";
import type { PipelineJob } from "./pipeline.ts";
import type { OrderedJob } from "./run_order.ts";
import type { SkippedJob } from "./select.ts";

export type JobState =
  | { readonly kind: "created" }
  /** A delayed job that waits for its time. */
  | { readonly kind: "scheduled"; readonly atMs: number }
  /** For its resource group, the lowest turn first. */
  | { readonly kind: "waiting"; readonly turn: number }
  | { readonly kind: "running"; readonly attempt: number }
  | { readonly kind: "finished"; readonly outcome: JobOutcome; readonly attempt: number }
  | { readonly kind: "skipped" }
  /** A manual job that nobody asked for, and whose turn has come. */
  | { readonly kind: "left" };

/** Immutable: every step makes a new one. */
export interface Progress {
  /** By full name, each behind all that it waits for. */
  readonly jobs: ReadonlyMap<string, OrderedJob>;
  readonly states: ReadonlyMap<string, JobState>;
  /** By people, or by a job that failed: nothing starts any more. */
  readonly canceledBy: "people" | "failure" | undefined;
  readonly endsOnFailure: boolean;
  readonly nextTurn: number;
}

export interface ProgressStep {
  readonly progress: Progress;
  /** To be started now, all of them, in this order. */
  readonly start: readonly { readonly job: PipelineJob; readonly attempt: number }[];
  /** Settled by this step; those that the selection has skipped are not told again. */
  readonly skipped: readonly SkippedJob[];
  /** When to ask again, as the next delayed job is due; undefined: none is. */
  readonly dueAtMs: number | undefined;
  /** `manual`: nothing failed, and what is left waits for a manual job that nobody asked for. */
  readonly status: "running" | "success" | "failed" | "canceled" | "manual";
}

/** What a job's state means for those that wait for it. */
export function standingOf(job: PipelineJob, state: JobState): JobStanding {
  switch (state.kind) {
    case "created":
    case "scheduled":
    case "waiting":
    case "running":
      return "pending";
    case "skipped":
      return "skipped";
    case "left":
      return waitingFor(job);
    case "finished":
      if (state.outcome.status === "success") return "success";
      if (state.outcome.status === "manual") return waitingFor(job);
      return isFailureAllowed(job.allowFailure, state.outcome)
        ? "allowed_failure"
        : state.outcome.status;
  }
}

function waitingFor({ allowFailure }: PipelineJob): JobStanding {
  return allowFailure === true ? "ignored" : "manual";
}

/**
 * GitLab calls a pipeline blocked as soon as nothing runs, also beside a job that failed. It could
 * still go on there; here it is over, and the failure is what has to be known.
 */
export function statusOf({ jobs, states, canceledBy }: Progress): ProgressStep["status"] {
  const standings = new Set(
    [...jobs.values()].map(({ job }) => standingOf(job, states.get(job.name)!)),
  );
  if (standings.has("pending")) return "running";
  if (canceledBy === "people") return "canceled";
  if (standings.has("failed")) return "failed";
  if (standings.has("canceled")) return "canceled";
  return standings.has("manual") ? "manual" : "success";
}
