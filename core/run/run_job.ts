/** Runs one job: prepare its environment, plan its stages, run them, say how it ended. */

import { messageOf } from "../errors.ts";
import type { JobResult } from "../job/result.ts";
import { deadline, JobCanceled, JobTimedOut } from "../util/abort.ts";
import { formatDuration } from "../util/units.ts";
import { writeHeader, writeProblems } from "./header.ts";
import type { JobLine, JobRun, JobSignals } from "./job_run.ts";
import { resultOf, writeResult } from "./outcome.ts";
import { type PlannedJob, prepareJob } from "./prepare_job.ts";
import { runStages } from "./run_stages.ts";
import { exitFailure } from "./stage_runner.ts";
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

/**
 * The section is always there, as people know it. Files with secrets go now; where there are none,
 * the work is left for after the coordinator has the result, as it is where the environment is not to
 * be reached: neither changes how the job ended. True: nothing is left to do.
 */
async function cleanUp(line: JobLine, run: PlannedJob): Promise<boolean> {
  const { plan: { cleanup }, stages, exitPhrase } = run;
  const { trace, onStage } = line.run;
  if (!run.hasFiles && !run.cleansCheckout) {
    onStage(cleanup.name);
    trace.startSection(cleanup.name, cleanup.title);
    trace.endSection(cleanup.name);
    return false;
  }
  try {
    const failed = await stages.run(cleanup, { signal: line.limit });
    if (failed === undefined) return true;
    trace.warning(`Cleaning up failed: ${exitFailure(failed, exitPhrase).message}`);
    return false;
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
  const { plan, stages, hasFiles, cleansCheckout } = planned;
  try {
    await stages.runSilently(plan.removeFiles, signal);
  } catch (error) {
    // An environment of the job's own goes with all that is in it.
    if (hasFiles && run.sharedEnvironment) throw error;
  }
  // The next job that uses the checkout cleans it as well.
  if (cleansCheckout) await stages.runSilently(plan.cleanup, signal).catch(() => {});
}
