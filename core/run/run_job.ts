/** Runs one job: prepare its environment, plan its stages, run them, say how it ended. */

import type { JobResult } from "../job/result.ts";
import { deadline, DeadlineExceeded, JobCanceled } from "../util/abort.ts";
import { writeHeader } from "./header.ts";
import type { JobLine, JobRun, JobSignals } from "./job_run.ts";
import { resultOf, writeResult } from "./outcome.ts";
import { type PlannedJob, prepareJob } from "./prepare_job.ts";
import { exitFailure } from "./stage_runner.ts";
import type { JobStatus } from "./stages/user_script.ts";
import { writeSummary } from "./summary.ts";

/** How the job ended, and what is left to tidy up once the coordinator knows. */
export interface JobEnd {
  readonly result: JobResult;
  /** Removes what the job left in its environment. Never throws; bounded by `signal`. */
  tidyUp(options: { signal: AbortSignal }): Promise<void>;
}

/** Never throws: whatever goes wrong is the job's result. The result's line is in the trace. */
export async function runJob(run: JobRun, signals: JobSignals): Promise<JobEnd> {
  const { spec, trace } = run;
  using limit = deadline(
    spec.timeoutMs,
    () => new DeadlineExceeded("execution", spec.timeoutMs),
    signals.job,
  );
  using early = deadline(Infinity, () => new JobCanceled(), limit.signal, signals.script);
  const line: JobLine = { run, limit: limit.signal, early: early.signal, script: signals.script };
  let planned: PlannedJob | undefined;
  let result: JobResult;
  try {
    writeHeader(trace, run);
    planned = await prepareJob(line);
    result = await runStages(line, planned);
  } catch (error) {
    result = resultOf(error);
  }
  if (planned !== undefined) writeSummary(trace, planned.stages.reports);
  writeResult(trace, result);
  return { result, tidyUp: (options) => tidyUp(planned, options.signal) };
}

async function runStages(line: JobLine, run: PlannedJob): Promise<JobResult> {
  const { plan, stages } = run;
  const before = await stages.run(plan.prepare, { signal: line.early }) ??
    await getSources(line, run) ??
    await stages.run(plan.restoreCache, { signal: line.early }) ??
    await stages.run(plan.downloadArtifacts, { signal: line.early });
  let failure = before === undefined ? undefined : scriptFailure(before, run);
  if (failure === undefined) {
    failure = await userScript(line, run);
    const after = await afterScript(line, run, failure);
    failure ??= after;
  }
  const outcome = failure === undefined ? "success" : "failure";
  for (const stage of [plan.archiveCache(outcome), plan.uploadArtifacts(outcome)]) {
    const failed = await stages.run(stage, { signal: line.limit });
    if (failed !== undefined) failure ??= scriptFailure(failed, run);
  }
  await cleanUp(line, run);
  return failure ?? { kind: "success" };
}

async function getSources(line: JobLine, run: PlannedJob) {
  const limitMs = line.run.runner.get_sources_timeout ?? Infinity;
  using limit = deadline(limitMs, () => new DeadlineExceeded("get_sources", limitMs), line.early);
  return await run.stages.run(run.plan.getSources, {
    betweenTries: run.plan.clearWorktree,
    signal: limit.signal,
  });
}

const TIMEOUT_HELP = "could not run to completion because the timeout was exceeded. " +
  "For more control over job and script timeouts see: " +
  "https://docs.gitlab.com/ci/runners/configure_runners/#set-script-and-after_script-timeouts";

/** Runs the user's steps up to the first failure. A cancel or a script timeout is a result here. */
async function userScript(line: JobLine, run: PlannedJob): Promise<JobResult | undefined> {
  const { trace } = line.run;
  const limitMs = run.scriptTimeoutMs ?? Infinity;
  using script = deadline(
    limitMs,
    () => new DeadlineExceeded("script", limitMs),
    line.limit,
    line.script,
  );
  for (const step of run.plan.steps) {
    try {
      const failed = await run.stages.run(step, { signal: script.signal });
      if (failed !== undefined) return scriptFailure(failed, run);
    } catch (error) {
      if (error instanceof DeadlineExceeded) trace.warning(`${step.name} ${TIMEOUT_HELP}`);
      if (line.limit.aborted) throw line.limit.reason;
      if (error instanceof JobCanceled) trace.warning("script canceled externally (UI, API)");
      else if (!(error instanceof DeadlineExceeded)) throw error;
      return resultOf(error);
    }
  }
  return undefined;
}

/** Its failure counts only when `AFTER_SCRIPT_IGNORE_ERRORS` is false and all else went well. */
async function afterScript(
  line: JobLine,
  run: PlannedJob,
  failure: JobResult | undefined,
): Promise<JobResult | undefined> {
  const { trace } = line.run;
  const limitMs = run.afterScriptTimeoutMs;
  using limit = deadline(limitMs, () => new DeadlineExceeded("after_script", limitMs), line.limit);
  const stage = run.plan.afterScript(jobStatus(failure));
  let result: JobResult;
  try {
    const failed = await run.stages.run(stage, { signal: limit.signal });
    if (failed === undefined) return undefined;
    result = scriptFailure(failed, run);
  } catch (error) {
    if (line.limit.aborted) throw line.limit.reason;
    if (!(error instanceof DeadlineExceeded)) throw error;
    trace.warning(`${stage.name} ${TIMEOUT_HELP}`);
    result = resultOf(error);
  }
  if (!run.afterScriptIgnoreErrors) return result;
  const why = result.kind === "success" ? "" : result.message;
  trace.warning(`after_script failed, but job will continue unaffected: ${why}`);
  return undefined;
}

function jobStatus(failure: JobResult | undefined): JobStatus {
  if (failure === undefined) return "success";
  if (failure.kind === "canceled") return "canceled";
  const timedOut = failure.kind === "failed" && failure.reason === "job_execution_timeout";
  return timedOut ? "timedout" : "failed";
}

function scriptFailure(status: Parameters<typeof exitFailure>[0], run: PlannedJob): JobResult {
  return { kind: "failed", reason: "script_failure", ...exitFailure(status, run.exitPhrase) };
}

/**
 * The section is always there, as people know it. Files with secrets go now; where there are none,
 * the work is left for after the coordinator has the result.
 */
async function cleanUp(line: JobLine, run: PlannedJob): Promise<void> {
  const { cleanup } = run.plan;
  if (run.hasFiles) {
    const failed = await run.stages.run(cleanup, { signal: line.limit });
    if (failed !== undefined) {
      line.run.trace.warning(`Cleaning up failed: ${exitFailure(failed, run.exitPhrase).message}`);
    }
    return;
  }
  line.run.onStage(cleanup.name);
  line.run.trace.startSection(cleanup.name, cleanup.title);
  line.run.trace.endSection(cleanup.name);
}

async function tidyUp(run: PlannedJob | undefined, signal: AbortSignal): Promise<void> {
  if (run === undefined) return;
  const { cleanup } = run.plan;
  if (run.stages.reports.some(({ stage }) => stage === cleanup.name)) return;
  await run.stages.runSilently(cleanup, signal).catch(() => {});
}
