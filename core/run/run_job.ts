/** Runs one job: prepare its environment, plan its stages, run them, say how it ended. */

import { messageOf } from "../errors.ts";
import type { ExitStatus } from "../executor.ts";
import type { JobResult } from "../job/result.ts";
import { type Deadline, deadline, JobCanceled, JobTimedOut } from "../util/abort.ts";
import { formatDuration } from "../util/units.ts";
import { writeHeader, writePolicy, writeProblems } from "./header.ts";
import type { JobLine, JobRun, JobSignals } from "./job_run.ts";
import { resultOf, writeResult } from "./outcome.ts";
import { type PlannedJob, prepareJob } from "./prepare_job.ts";
import { stageLimit } from "./stage_limit.ts";
import { exitFailure } from "./stage_runner.ts";
import type { JobStatus } from "./stages/user_script.ts";
import { writeSummary } from "./summary.ts";

/** How the job ended, and what is left to tidy up once the coordinator knows. */
export interface JobEnd {
  readonly result: JobResult;
  /**
   * Removes what the job left in its environment; bounded by `signal`. Throws when secrets may stay
   * in one that other jobs use.
   */
  tidyUp(options: { signal: AbortSignal }): Promise<void>;
}

/** Never throws: whatever goes wrong is the job's result. The result's line is in the trace. */
export async function runJob(run: JobRun, signals: JobSignals): Promise<JobEnd> {
  const { spec, trace } = run;
  using limit = deadline(
    spec.timeoutMs,
    () => new JobTimedOut(`execution took longer than ${formatDuration(spec.timeoutMs)} seconds`),
    signals.job,
  );
  using early = deadline(Infinity, () => new JobCanceled(), limit.signal, signals.script);
  const endsAt = performance.now() + spec.timeoutMs;
  const line: JobLine = {
    run,
    endsAt,
    limit: limit.signal,
    early: early.signal,
    script: signals.script,
  };
  let planned: PlannedJob | undefined;
  let isClean = false;
  let result: JobResult;
  try {
    writeHeader(trace, run);
    const told = writeProblems(trace, run);
    planned = await prepareJob(line, { told });
    result = await runWatched(line, planned);
    // What is out of time is tidied up later.
    if (!limit.signal.aborted) isClean = await cleanUp(line, planned);
  } catch (error) {
    result = resultOf(error);
  }
  if (planned !== undefined) writeSummary(trace, planned.stages.reports);
  writeResult(trace, result);
  const dirty = isClean ? undefined : planned;
  return { result, tidyUp: (options) => tidyUp(run, dirty, options.signal) };
}

/** Tells of a failure, a missed time limit included, before anything is removed. */
async function runWatched(line: JobLine, planned: PlannedJob): Promise<JobResult> {
  try {
    const result = await runStages(line, planned);
    if (result.kind === "failed") await tellFailed(line.run, planned, result.message);
    return result;
  } catch (error) {
    if (error instanceof JobTimedOut) await tellFailed(line.run, planned, error.message);
    throw error;
  }
}

async function runStages(line: JobLine, run: PlannedJob): Promise<JobResult> {
  const { plan, stages } = run;
  const before = await stages.run(plan.prepare, { signal: line.early }) ??
    await getSources(line, run) ??
    await stages.run(plan.restoreCache, { signal: line.early }) ??
    await stages.run(plan.downloadArtifacts, { signal: line.early });
  let failure = before === undefined ? undefined : await firstFailure(before, line, run);
  if (failure === undefined) {
    failure = await userStages(line, run);
  }
  const outcome = failure === undefined ? "success" : "failure";
  for (const stage of [plan.archiveCache(outcome), plan.uploadArtifacts(outcome)]) {
    const failed = await stages.run(stage, { signal: line.limit });
    if (failed !== undefined) failure ??= scriptFailure(failed, run);
  }
  return failure ?? { kind: "success" };
}

async function tellFailed(run: JobRun, planned: PlannedJob, why: string): Promise<void> {
  const { paths, plan, stages } = planned;
  const { spec, trace, executor } = run;
  try {
    await run.onFailed?.({
      spec,
      paths,
      why,
      traceBytes: trace.size,
      shell: (terminalType) => stages.command(plan.shell(terminalType)),
      openTerminal: executor.openTerminal?.bind(executor),
      keep: executor.keep?.bind(executor),
    });
  } catch (error) {
    trace.warning(messageOf(error));
  }
}

async function getSources(line: JobLine, run: PlannedJob) {
  const limitMs = line.run.runner.get_sources_timeout ?? Infinity;
  const late = () =>
    new JobTimedOut(`get sources timeout: exceeded timeout of ${formatDuration(limitMs)}`);
  using limit = deadline(limitMs, late, line.early);
  return await run.stages.run(run.plan.getSources, {
    betweenTries: run.plan.clearWorktree,
    signal: limit.signal,
  });
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
  const { trace } = line.run;
  using script = scriptDeadline(limitMs, line.limit, line.script);
  for (const step of run.plan.steps) {
    try {
      const failed = await run.stages.run(step, { signal: script.signal });
      if (failed !== undefined) return await firstFailure(failed, line, run);
    } catch (error) {
      if (line.limit.aborted) throw line.limit.reason;
      if (error instanceof JobCanceled) trace.warning("script canceled externally (UI, API)");
      else if (!(error instanceof JobTimedOut)) throw error;
      return resultOf(error);
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
  const { trace } = line.run;
  using limit = scriptDeadline(options.limitMs, line.limit);
  const stage = run.plan.afterScript(jobStatus(options.failure));
  let result: JobResult;
  try {
    const failed = await run.stages.run(stage, { signal: limit.signal });
    if (failed === undefined) return undefined;
    result = scriptFailure(failed, run);
  } catch (error) {
    if (line.limit.aborted) throw line.limit.reason;
    if (!(error instanceof JobTimedOut)) throw error;
    result = resultOf(error);
  }
  if (!run.settings.afterScriptIgnoreErrors) return result;
  const why = result.kind === "success" ? "" : result.message;
  trace.warning(`after_script failed, but job will continue unaffected: ${why}`);
  return undefined;
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

/** Throws when the script that failed was never reached. */
async function firstFailure(
  status: ExitStatus,
  line: JobLine,
  run: PlannedJob,
): Promise<JobResult> {
  await run.stages.assertShellWorks(line.limit);
  return scriptFailure(status, run);
}

function scriptFailure(status: ExitStatus, run: PlannedJob): JobResult {
  return { kind: "failed", reason: "script_failure", ...exitFailure(status, run.exitPhrase) };
}

/**
 * The section is always there, as people know it. Files with secrets go now; where there are none,
 * the work is left for after the coordinator has the result, as it is where the environment is not to
 * be reached: neither changes how the job ended. True: nothing is left to do.
 */
async function cleanUp(line: JobLine, run: PlannedJob): Promise<boolean> {
  const { plan: { cleanup }, stages, exitPhrase } = run;
  const { trace, onStage } = line.run;
  if (!run.hasFiles) {
    onStage(cleanup.name);
    trace.startSection(cleanup.name, cleanup.title);
    trace.endSection(cleanup.name);
    return false;
  }
  try {
    const failed = await stages.run(cleanup, { signal: line.limit });
    if (failed === undefined) return true;
    trace.warning(`Cleaning up failed: ${exitFailure(failed, exitPhrase).message}`);
    return true;
  } catch (error) {
    line.limit.throwIfAborted();
    trace.warning(`Cleaning up failed: ${messageOf(error)}`);
    return false;
  }
}

async function tidyUp(
  run: JobRun,
  planned: PlannedJob | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (planned === undefined) return;
  try {
    await planned.stages.runSilently(planned.plan.cleanup, signal);
  } catch (error) {
    // An environment of the job's own goes with all that is in it.
    if (planned.hasFiles && run.sharedEnvironment) throw error;
  }
}
