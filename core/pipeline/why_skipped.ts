/** Says why a job of a run is skipped, by the job that is the reason for it. */

import type { JobStanding } from "./composite_status.ts";
import type { OrderedJob } from "./run_order.ts";
import { skip, type SkippedJob } from "./select.ts";

type StandingOf = (name: string) => JobStanding;

/** What is said of the jobs that stand in the way, the first that applies. */
const IN_THE_WAY: readonly (readonly [JobStanding, string])[] = [
  ["failed", "failed"],
  ["canceled", "was canceled"],
  ["skipped", "was skipped"],
];

/** All that the job waits for has ended, and not as it would have to. */
export function whySkipped(
  one: OrderedJob,
  jobs: ReadonlyMap<string, OrderedJob>,
  standingOf: StandingOf,
): SkippedJob {
  const { job, needs } = one;
  const before = waitsFor(one, jobs);
  const ignored = needs?.find((name) => standingOf(name) === "ignored");
  if (ignored !== undefined) {
    return skip(job, "manual", `needs ${theManualJob(ignored, jobs)}`);
  }
  for (const [standing, words] of job.when === "on_failure" ? [] : IN_THE_WAY) {
    const cause = before.find((name) => standingOf(name) === standing);
    if (cause === undefined) continue;
    return needs === undefined
      ? skip(job, "stage_failed", `"${cause}" of an earlier stage ${words}`)
      : skip(job, "needs_failed", `needs "${cause}", which ${words}`);
  }
  return skip(job, "rules", "runs only when something before it fails (when: on_failure)");
}

/** The job waits, directly or by others, for a manual job that will not be run, here or in a child. */
export function blockedBy(
  one: OrderedJob,
  jobs: ReadonlyMap<string, OrderedJob>,
  standingOf: StandingOf,
): SkippedJob {
  const manual = (names: readonly string[]) => names.find((name) => standingOf(name) === "manual");
  const cause = manual(waitsFor(one, jobs)) ?? manual([...jobs.keys()]);
  return skip(one.job, "manual", `waits for ${theManualJob(cause, jobs)}`);
}

/** A job that nobody asked for, or one whose pipeline waits for such a job. */
function theManualJob(name: string | undefined, jobs: ReadonlyMap<string, OrderedJob>): string {
  const isTrigger = name !== undefined && jobs.get(name)?.isLeft !== true;
  return isTrigger
    ? `"${name}", whose pipeline is blocked by a manual job`
    : `the manual job "${name}"; run it with --manual "${name}"`;
}

function waitsFor(one: OrderedJob, jobs: ReadonlyMap<string, OrderedJob>): readonly string[] {
  return one.needs ??
    [...jobs.values()].filter(({ stageAt }) => stageAt < one.stageAt).map(({ job }) => job.name);
}
