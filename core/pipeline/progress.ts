/**
 * How far a run of a pipeline is: which jobs may start, which are skipped, and what it all comes to.
 * A pure state machine; time is an argument, and whoever runs the jobs reports how they ended.
 */

import { RunnerError } from "../errors.ts";
import { advance } from "./advance.ts";
import { isFailureAllowed, isRetried, type JobOutcome } from "./job_outcome.ts";
import type { Pipeline } from "./pipeline.ts";
import { type JobState, type Progress, type ProgressStep, statusOf } from "./progress_state.ts";
import { orderJobs } from "./run_order.ts";
import type { Selection } from "./select.ts";

export function beginProgress(
  pipeline: Pipeline,
  selection: Selection,
  nowMs: number,
): ProgressStep {
  const ordered = orderJobs(pipeline, selection);
  const jobs = new Map(ordered.map((one) => [one.job.name, one]));
  const states = new Map(ordered.map(({ job }) => [job.name, { kind: "created" } as const]));
  const { endsOnFailure } = pipeline;
  return advance({ jobs, states, canceledBy: undefined, endsOnFailure, nextTurn: 0 }, nowMs);
}

/** A job that was started has ended; it may have to be tried again. */
export function reportFinished(
  progress: Progress,
  name: string,
  outcome: JobOutcome,
  nowMs: number,
): ProgressStep {
  const state = progress.states.get(name);
  const job = progress.jobs.get(name)?.job;
  if (job === undefined || state?.kind !== "running") {
    throw new RunnerError(`Job "${name}" ended, which is not running`);
  }
  const { attempt } = state;
  if (progress.canceledBy === undefined && isRetried(job.config.retry, outcome, attempt)) {
    const again = withState(progress, name, { kind: "running", attempt: attempt + 1 });
    const step = advance(again, nowMs);
    return { ...step, start: [{ job, attempt: attempt + 1 }, ...step.start] };
  }
  const next = withState(progress, name, { kind: "finished", outcome, attempt });
  const ends = progress.endsOnFailure && progress.canceledBy === undefined &&
    outcome.status === "failed" && !isFailureAllowed(job.allowFailure, outcome);
  return advance(ends ? { ...next, canceledBy: "failure" } : next, nowMs);
}

/** Time has passed: delayed jobs may be due. */
export function reportTime(progress: Progress, nowMs: number): ProgressStep {
  return advance(progress, nowMs);
}

/** Nothing starts any more. Running jobs have to be ended and reported by whoever runs them. */
export function cancelProgress(progress: Progress, nowMs: number): ProgressStep {
  const isOver = statusOf(progress) !== "running";
  return advance(isOver ? progress : { ...progress, canceledBy: "people" }, nowMs);
}

function withState(progress: Progress, name: string, state: JobState): Progress {
  return { ...progress, states: new Map(progress.states).set(name, state) };
}
