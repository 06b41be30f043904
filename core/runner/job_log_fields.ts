/** Whose job a line of the runner's log is about (inventory section 13.1). */

import type { Assignment } from "./worker.ts";

/** What the coordinator told of the job; an older one tells less. */
export function jobLogFields(
  { outcome, parts }: Assignment,
): Readonly<Record<string, string | number>> {
  const { runner, runner_name } = parts.labels;
  const info = outcome.kind === "job" ? outcome.job.job_info : undefined;
  const fields = {
    job: outcome.job.id,
    project: info?.project_id,
    project_full_path: info?.project_full_path,
    pipeline_id: info?.pipeline_id,
    namespace_id: info?.namespace_id,
    root_namespace_id: info?.root_namespace_id,
    organization_id: info?.organization_id,
    gitlab_user_id: info?.user_id,
    gitlab_scoped_user_id: info?.scoped_user_id,
    correlation_id: outcome.kind === "job" ? outcome.correlationId : undefined,
    runner,
    runner_name,
  };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => value ? [[name, value]] : []),
  );
}
