/** Where people look at a job. */

import type { Assignment } from "./worker.ts";

/** The job's page in GitLab, as far as its payload tells. */
export function jobUrl(assignment: Assignment): string {
  const { outcome, parts } = assignment;
  if (outcome.kind !== "job") return parts.runner.url;
  const given = outcome.job.variables.findLast(({ key }) => key === "CI_JOB_URL")?.value;
  if (given) return given;
  const path = outcome.job.job_info.project_full_path;
  const base = parts.runner.url.replace(/\/+$/, "");
  return path === "" ? base : `${base}/${path}/-/jobs/${outcome.job.id}`;
}
