/** `retry` and `allow_failure`. */

import type { CiAllowFailure, CiRetry } from "../ci_config.ts";
import { child, isInteger, isString } from "../yaml/node.ts";
import { Entry, type MappingEntry } from "./entry.ts";

const MAX_RETRIES = 2;

/** Failures of a job by GitLab's names, with `always` for all of them. */
const FAILURES = [
  "always",
  "unknown_failure",
  "script_failure",
  "api_failure",
  "stuck_or_timeout_failure",
  "stuck_pending_with_matching_runners",
  "stuck_pending_no_matching_runners",
  "no_updates_running",
  "no_updates_canceling",
  "server_timeout_running",
  "server_timeout_canceling",
  "runner_system_failure",
  "runner_configuration_error",
  "runner_external_dependency_failure",
  "runner_interrupted",
  "runner_unsupported",
  "runner_provisioning_timeout",
  "missing_dependency_failure",
  "stale_schedule",
  "job_execution_timeout",
  "job_execution_server_timeout",
  "archived_failure",
  "unmet_prerequisites",
  "scheduler_failure",
  "data_integrity_failure",
  "forward_deployment_failure",
  "user_blocked",
  "ci_quota_exceeded",
  "no_matching_runner",
  "trace_size_exceeded",
  "builds_disabled",
  "environment_creation_failure",
  "deployment_rejected",
  "failed_outdated_deployment_job",
  "protected_environment_failure",
  "insufficient_bridge_permissions",
  "downstream_bridge_project_not_found",
  "invalid_bridge_trigger",
  "bridge_pipeline_is_child_pipeline",
  "downstream_pipeline_creation_failed",
  "secrets_provider_not_found",
  "reached_max_descendant_pipelines_depth",
  "ip_restriction_failure",
  "reached_max_pipeline_hierarchy_size",
  "image_pull_failure",
];

export const NO_RETRY: CiRetry = { max: 0, when: [], exitCodes: [] };

/** GitLab does not say whose retry it is; the place does. */
export function readRetry({ node, context }: Entry): CiRetry {
  const entry = new Entry(node, "retry", context);
  if (isInteger(entry.node)) {
    const problem = outOfRange(entry.node.value);
    if (problem !== undefined) entry.report(`config ${problem}`);
    return { max: entry.node.value, when: ["always"], exitCodes: [] };
  }
  if (!entry.isMapping()) {
    entry.report("config has to be either an integer or a hash");
    return NO_RETRY;
  }
  entry.checkKeys(["max", "when", "exit_codes"]);
  const exitCodes = entry.integers("exit_codes") ?? [];
  const when = readWhen(entry);
  return {
    max: readMax(entry),
    // Only exit codes, without failures, are all that is asked for.
    when: when ?? (exitCodes.length > 0 ? [] : ["always"]),
    exitCodes,
  };
}

function readMax(entry: MappingEntry): number {
  const node = child(entry.node, "max");
  // Reasons alone retry nothing.
  if (node === undefined) return 0;
  const problem = isInteger(node) ? outOfRange(node.value) : "must be an integer";
  if (problem !== undefined) entry.reportKey("max", problem);
  return isInteger(node) ? node.value : 0;
}

function outOfRange(max: number): string | undefined {
  if (max < 0) return "must be greater than or equal to 0";
  return max > MAX_RETRIES ? `must be less than or equal to ${MAX_RETRIES}` : undefined;
}

function readWhen(entry: MappingEntry): readonly string[] | undefined {
  const failures = entry.stringOrStrings("when");
  const unknown = failures?.filter((failure) => !FAILURES.includes(failure)) ?? [];
  if (unknown.length === 0) return failures;
  return entry.reportKey(
    "when",
    isString(child(entry.node, "when"))
      ? "is not included in the list"
      : `contains unknown values: ${unknown.join(", ")}`,
  );
}

/** `job` is what holds the keyword: a boolean that is none is reported there. */
export function readAllowFailure(
  job: MappingEntry,
  entry: Entry,
  options: { readonly exitCodes: boolean },
): CiAllowFailure | undefined {
  const { node } = entry;
  if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
  if (!options.exitCodes || !entry.isMapping()) {
    const types = options.exitCodes ? "a hash or a boolean value" : "a boolean value";
    return job.reportKey("allow_failure", `should be ${types}`);
  }
  entry.checkKeys(["exit_codes"]);
  entry.checkRequired(["exit_codes"]);
  const exitCodes = entry.integers("exit_codes");
  return exitCodes === undefined ? undefined : { exitCodes };
}
