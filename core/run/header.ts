/** The first lines of every job's trace (inventory section 13.2). */

import type { RunnerConfig } from "../config/schema.ts";
import { changedFeatureFlags, type FeatureFlags, unbuiltFlag } from "../config/feature_flags.ts";
import type { JobSpec } from "../job/spec.ts";
import { JobVariables } from "../job/variables.ts";
import type { JobLog } from "../executor.ts";
import { shortToken } from "../util/token.ts";
import { buildInfo } from "../version.ts";
import type { JobRun } from "./job_run.ts";
import { givenVariables } from "./job_variables.ts";
import { settingsOf } from "./settings.ts";

export function writeHeader(
  log: JobLog,
  job: { runner: RunnerConfig; systemId: string; flags: FeatureFlags },
): void {
  const { runner, systemId, flags } = job;
  const short = shortToken(runner.token.reveal());
  log.print(`Running with gitlab-runner ${buildInfo.version} (${buildInfo.revision})`);
  log.print(`  on ${runner.name} ${short}, system ID: ${systemId}`);
  const changed = changedFeatureFlags(flags);
  if (changed.length > 0) log.print(`  feature flags: ${changed.join(", ")}`);
}

/** Tells what of the job's settings cannot be heeded, in one warning. Returns its lines. */
export function writeProblems(log: JobLog, job: JobRun): readonly string[] {
  const { spec, runner, flags } = job;
  const variables = new JobVariables(givenVariables(runner, spec.variables), "");
  const unbuilt = Object.entries(flags).flatMap(([name, isOn]) => {
    // What config.toml turns on is its author's business, who finds it in the runner's log.
    const effect = isOn && runner.feature_flags[name] === undefined ? unbuiltFlag(name) : undefined;
    return effect === undefined ? [] : [`${name}: ${effect}`];
  });
  const problems = [...settingsOf(job, variables).problems, ...unbuilt];
  if (problems.length > 0) log.warning(problems.join("\n"));
  return problems;
}

/** What an execution policy means for the variables of this job; told before its commands run. */
export function writePolicy(log: JobLog, spec: JobSpec): void {
  const { policy } = spec;
  if (!policy?.execution_policy_job) return;
  log.notice(`Job triggered by policy "${policy.policy_name}".`);
  const allowed = policy.policy_variables_override_allowed;
  const exceptions = policy.policy_variables_override_exceptions;
  if (allowed === null || allowed === undefined) {
    log.notice(
      "Variables defined in the policy take precedence over matching user-defined CI/CD variables for this job.",
    );
    return;
  }
  const verb = allowed ? "allowed" : "ignored";
  const except = exceptions.length > 0 ? ` (except for ${exceptions.join(", ")})` : "";
  log.notice(
    `User-defined CI/CD variables are ${verb} in this job${except} according to the policy.`,
  );
}
