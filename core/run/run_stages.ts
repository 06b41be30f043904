/** The stages of one job in their order, and which of their failures is the job's. */

import type { JobResult } from "../job/result.ts";
import { type Deadline, deadline, JobCanceled, JobTimedOut } from "../util/abort.ts";
import { formatDuration } from "../util/units.ts";
import { writePolicy } from "./header.ts";
import type { JobLine } from "./job_run.ts";
import { resultOf } from "./outcome.ts";
import type { PlannedStage } from "./plan.ts";
import type { PlannedJob } from "./prepare_job.ts";
import { stageLimit } from "./stage_limit.ts";
import { exitFailure, UnusableShell } from "./stage_runner.ts";
import type { JobStatus } from "./stages/user_script.ts";

/**
 * Runs everything but the clean-up. As with GitLab Runner, the first failure is the job's, and what
 * comes at the end of a job has its turn all the same, also after a fault of the environment, which
 * may still answer. Throws what ends a job at once: its time limit, an abort, a cancel before its
 * script, an environment in which no script can run.
 */
export async function runStages(line: JobLine, run: PlannedJob): Promise<JobResult> {
  const { plan, stages } = run;
  await stages.prepare(plan.prepare, { signal: line.early });
  let failure = await beforeScript(line, run) ?? await userStages(line, run);
  const outcome = failure === undefined ? "success" : "failure";
  for (const stage of [plan.archiveCache(outcome), plan.uploadArtifacts(outcome)]) {
    const failed = await attempt(stage, run, { signal: line.limit });
    if (failure !== undefined && isFault(failed)) {
      line.run.trace.warning(`${stage.title} failed: ${failed.message}`);
    }
    failure ??= failed;
  }
  return failure ?? { kind: "success" };
}

async function beforeScript(line: JobLine, run: PlannedJob): Promise<JobResult | undefined> {
  const { restoreCache, downloadArtifacts } = run.plan;
  return await getSources(line, run) ??
    await attempt(restoreCache, run, { signal: line.early }) ??
    await attempt(downloadArtifacts, run, { signal: line.early });
}

async function getSources(line: JobLine, run: PlannedJob): Promise<JobResult | undefined> {
  const limitMs = line.run.runner.get_sources_timeout ?? Infinity;
  const late = () =>
    new JobTimedOut(`get sources timeout: exceeded timeout of ${formatDuration(limitMs)}`);
  using limit = deadline(limitMs, late, line.early);
  const { getSources, clearWorktree } = run.plan;
  return await attempt(getSources, run, { betweenTries: clearWorktree, signal: limit.signal });
}

/** GitLab Runner's limit of an `after_script` that sets none. */
const AFTER_SCRIPT_MS = 5 * 60_000;

/** The job's own commands, `after_script` included. */
async function userStages(line: JobLine, run: PlannedJob): Promise<JobResult | undefined> {
  const { trace, spec } = line.run;
  const { scriptTimeout, afterScriptTimeout } = run.settings;
  const leftMs = line.endsAt - performance.now();
  const limits = [
    stageLimit("RUNNER_SCRIPT_TIMEOUT", scriptTimeout, { fallbackMs: Infinity, leftMs }),
    stageLimit("RUNNER_AFTER_SCRIPT_TIMEOUT", afterScriptTimeout, {
      fallbackMs: AFTER_SCRIPT_MS,
      leftMs,
    }),
  ] as const;
  for (const { warning } of limits) if (warning !== undefined) trace.warning(warning);
  writePolicy(trace, spec);
  const failure = await userScript(line, run, limits[0].ms);
  const after = await afterScript(line, run, { failure, limitMs: limits[1].ms });
  return failure ?? after;
}

/** Runs the user's steps up to the first failure. A cancel or a script timeout is a result here. */
async function userScript(
  line: JobLine,
  run: PlannedJob,
  limitMs: number,
): Promise<JobResult | undefined> {
  using script = scriptDeadline(limitMs, line.limit, line.script);
  for (const step of run.plan.steps) {
    try {
      const failed = await attempt(step, run, { signal: script.signal });
      if (failed !== undefined) return failed;
    } catch (error) {
      return resultOfStopped(error, line);
    }
  }
  return undefined;
}

/** Its failure counts only when `AFTER_SCRIPT_IGNORE_ERRORS` is false and all else went well. */
async function afterScript(
  line: JobLine,
  run: PlannedJob,
  options: { failure: JobResult | undefined; limitMs: number },
): Promise<JobResult | undefined> {
  using limit = scriptDeadline(options.limitMs, line.limit);
  const stage = run.plan.afterScript(jobStatus(options.failure));
  const result = await attempt(stage, run, { signal: limit.signal })
    .catch((error) => resultOfStopped(error, line));
  if (result === undefined || !run.settings.afterScriptIgnoreErrors) return result;
  const why = result.kind === "success" ? "" : result.message;
  line.run.trace.warning(`after_script failed, but job will continue unaffected: ${why}`);
  return undefined;
}

/** What stopped the user's commands alone. Throws what stops the job. */
function resultOfStopped(error: unknown, line: JobLine): JobResult {
  if (line.limit.aborted) throw line.limit.reason;
  if (error instanceof JobCanceled) {
    line.run.trace.warning("script canceled externally (UI, API)");
  } else if (!(error instanceof JobTimedOut)) throw error;
  return resultOf(error);
}

function scriptDeadline(ms: number, ...parents: readonly AbortSignal[]): Deadline {
  return deadline(
    ms,
    () => new JobTimedOut("script timeout: context deadline exceeded"),
    ...parents,
  );
}

function jobStatus(failure: JobResult | undefined): JobStatus {
  if (failure === undefined) return "success";
  if (failure.kind === "canceled") return "canceled";
  const timedOut = failure.kind === "failed" && failure.reason === "job_execution_timeout";
  return timedOut ? "timedout" : "failed";
}

/** Undefined: it went well. Throws when its signal has aborted, and UnusableShell. */
async function attempt(
  stage: PlannedStage,
  { stages, exitPhrase }: PlannedJob,
  options: { betweenTries?: PlannedStage; signal: AbortSignal },
): Promise<JobResult | undefined> {
  try {
    const failed = await stages.run(stage, options);
    if (failed === undefined) return undefined;
    await stages.assertShellWorks(options.signal);
    return { kind: "failed", reason: "script_failure", ...exitFailure(failed, exitPhrase) };
  } catch (error) {
    if (options.signal.aborted || error instanceof UnusableShell) throw error;
    return resultOf(error);
  }
}

type Fault = JobResult & { readonly kind: "failed" };

/** Not the doing of a script: its output does not tell what went wrong. */
function isFault(result: JobResult | undefined): result is Fault {
  return result?.kind === "failed" && result.exitCode === undefined;
}
