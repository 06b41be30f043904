/** How long a job may have waited in the coordinator's queue before that is counted (inventory 2.3). */

import type { RunnerConfig } from "../config/schema.ts";
import { messageOf } from "../errors.ts";
import type { JobResponse } from "../job/response.ts";
import { TimeWindow } from "../util/time_window.ts";

type Definition = NonNullable<RunnerConfig["monitoring"]>["job_queuing_durations"][number];

/** What of a job counts. */
export type QueuedJob = Pick<
  JobResponse["job_info"],
  "time_in_queue_seconds" | "project_jobs_running_on_instance_runners_count"
>;

export interface QueueVerdict {
  /** The job has waited for longer than the threshold that holds at `now`. */
  readonly isLate: boolean;
  /** One sentence per definition that cannot be used. */
  readonly problems: readonly string[];
}

/** Judges a job by the last definition of `monitoring.job_queuing_durations` that applies to it. */
export function judgeQueueing(
  monitoring: RunnerConfig["monitoring"],
  job: QueuedJob,
  now: Date,
): QueueVerdict {
  const problems: string[] = [];
  let isLate = false;
  const definitions = monitoring?.job_queuing_durations ?? [];
  for (const [index, definition] of definitions.entries()) {
    try {
      if (!appliesTo(definition, job, now)) continue;
      isLate = job.time_in_queue_seconds * 1000 > definition.threshold;
    } catch (error) {
      problems.push(`monitoring.job_queuing_durations[${index}]: ${messageOf(error)}`);
    }
  }
  return { isLate, problems };
}

function appliesTo(definition: Definition, job: QueuedJob, now: Date): boolean {
  const { periods, timezone, jobs_running_for_project: pattern } = definition;
  const isActive = periods.some((period) => new TimeWindow(period, timezone).contains(now));
  const running = job.project_jobs_running_on_instance_runners_count;
  return isActive && (pattern === "" || new RegExp(pattern).test(running));
}
