/** What a set of jobs amounts to for the jobs that wait for it, by GitLab's rules. */

/** Where a job stands, as far as others care. `ignored` is a manual job that may be left alone. */
export type JobStanding =
  | "pending"
  | "success"
  | "allowed_failure"
  | "failed"
  | "canceled"
  | "skipped"
  | "manual"
  | "ignored";

export type CompositeStatus = "pending" | "success" | "failed" | "canceled" | "skipped";

/**
 * Of the jobs of earlier stages. A manual job that is not optional blocks: the result stays pending.
 * No jobs at all are a success.
 */
export function statusOfStages(standings: ReadonlySet<JobStanding>): CompositeStatus {
  if (standings.size === 0) return "success";
  if (onlyOf(standings, ["skipped", "ignored"])) return "skipped";
  if (onlyOf(standings, PASSED)) return "success";
  if (standings.has("pending") || standings.has("manual")) return "pending";
  return onlyOf(standings, [...PASSED, "canceled"]) ? "canceled" : "failed";
}

/** Of the jobs that one needs: there, one that does not run at all makes the result skipped. */
export function statusOfNeeds(standings: ReadonlySet<JobStanding>): CompositeStatus {
  return standings.has("skipped") || standings.has("ignored")
    ? "skipped"
    : statusOfStages(standings);
}

const PASSED: readonly JobStanding[] = ["success", "allowed_failure", "skipped", "ignored"];

function onlyOf(standings: ReadonlySet<JobStanding>, among: readonly JobStanding[]): boolean {
  return [...standings].every((standing) => among.includes(standing));
}
