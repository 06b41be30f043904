/** The first stage of every job: its environment, and from that the plan of all other stages. */

import { JobConfigurationError, messageOf, SystemFailure } from "../errors.ts";
import type { Executor, ExecutorIO, ExecutorNote, PreparedEnvironment } from "../executor.ts";
import type { JobSpec } from "../job/spec.ts";
import { deadline, delay, JobTimedOut } from "../util/abort.ts";
import { ANSI } from "../util/ansi.ts";
import { shortToken } from "../util/token.ts";
import { formatDuration } from "../util/units.ts";
import type { JobLine, JobRun } from "./job_run.ts";
import { jobVariables } from "./job_variables.ts";
import { type JobPaths, jobPaths, withClonePath } from "./paths.ts";
import { type JobPlan, planJob } from "./plan.ts";
import { type JobSettings, settingsOf } from "./settings.ts";
import { StageRunner } from "./stage_runner.ts";

/** A job whose stages can run. */
export interface PlannedJob {
  readonly plan: JobPlan;
  readonly stages: StageRunner;
  readonly exitPhrase: string;
  readonly settings: JobSettings;
  readonly paths: JobPaths;
  /** Secrets lie in files. */
  readonly hasFiles: boolean;
  /** The checkout is to be left clean: `FF_ENABLE_JOB_CLEANUP`. */
  readonly cleansCheckout: boolean;
}

const PREPARE_ATTEMPTS = 3;
const PREPARE_RETRY_MS = 3000;

/**
 * Prepares the environment and plans the stages in it. `told`: what the log says of settings
 * already, before the environment could add to them. Throws what ends the job.
 */
export async function prepareJob(
  line: JobLine,
  { told }: { told: readonly string[] },
): Promise<PlannedJob> {
  const { run } = line;
  const { trace, runner, spec, executor } = run;
  const started = performance.now();
  let noted: ExecutorNote = {};
  let tempDir: ExecutorNote = {};
  const remember = (note: ExecutorNote) => run.remember({ ...noted = note, ...tempDir });
  const io: ExecutorIO = { log: trace, output: trace.output, remember };
  const limitMs = runner.prepare_timeout ?? Infinity;
  const late = () =>
    new JobTimedOut(`prepare timeout: exceeded timeout of ${formatDuration(limitMs)}`);
  using limit = deadline(limitMs, late, line.early);
  run.onStage("prepare_executor");
  trace.startSection("prepare_executor", `Preparing the "${run.executorName}" executor`);
  let environment: PreparedEnvironment;
  let planned: ReturnType<typeof plan>;
  try {
    environment = await prepareExecutor(executor, spec, io, limit.signal);
    planned = plan(run, environment);
    trace.addMasks(planned.variables.secrets);
    await executor.leaseCheckout?.(planned.checkout, io, { signal: limit.signal });
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    trace.endSection("prepare_executor");
  }
  const { variables } = planned;
  if (variables.files.length > 0) {
    tempDir = { temp_dir: planned.context.paths.tempDir };
    remember(noted);
  }
  const shell = run.shells.get(environment.shell);
  const { settings, flags } = planned.context;
  const untold = settings.problems.filter((problem) => !told.includes(problem));
  if (untold.length > 0) trace.warning(untold.join("\n"));
  for (const { key, exported } of variables.all) {
    if (exported) continue;
    trace.warning(
      `${key} is too long for the environment of programs: only the shell itself has it`,
    );
  }
  const stages = new StageRunner({
    executor,
    io,
    trace,
    shell,
    os: environment.os,
    login: environment.login,
    render: {
      debugTrace: settings.debugTrace,
      checkExitCodes: flags.FF_ENABLE_BASH_EXIT_CODE_CHECK,
    },
    exitPhrase: environment.exitPhrase,
    waitBetweenTries: flags.FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY,
    onStage: run.onStage,
  });
  stages.note("prepare_executor", performance.now() - started);
  return {
    plan: planned.plan,
    stages,
    exitPhrase: environment.exitPhrase,
    settings,
    paths: planned.context.paths,
    hasFiles: variables.files.length > 0,
    cleansCheckout: flags.FF_ENABLE_JOB_CLEANUP,
  };
}

async function prepareExecutor(
  executor: Executor,
  spec: JobSpec,
  io: ExecutorIO,
  signal: AbortSignal,
): Promise<PreparedEnvironment> {
  for (let attempt = 1;; attempt++) {
    try {
      return await executor.prepare(spec, io, { signal });
    } catch (error) {
      if (attempt >= PREPARE_ATTEMPTS || isFinal(error) || signal.aborted) throw error;
      io.log.error(`Preparation failed: ${messageOf(error)}`);
      io.log.print(`${ANSI.warning}Will be retried in ${PREPARE_RETRY_MS / 1000}s ...`);
      await delay(PREPARE_RETRY_MS, { signal });
    }
  }
}

/** Another try would meet the same answer: the executor has already tried what can be tried. */
function isFinal(error: unknown): boolean {
  if (error instanceof JobConfigurationError) return true;
  return error instanceof SystemFailure &&
    error.reason !== "runner_system_failure";
}

function plan(run: JobRun, environment: PreparedEnvironment) {
  const { spec, runner, flags } = run;
  const options = { disposable: !run.sharedEnvironment };
  const resolve = (at: JobPaths) => {
    const variables = jobVariables(spec, runner, environment, flags, at, options);
    return { paths: at, variables, settings: settingsOf(run, variables) };
  };
  let resolved = resolve(jobPaths(spec, environment, shortToken(runner.token.reveal())));
  const { gitClonePath, gitStrategy } = resolved.settings;
  if (gitClonePath !== "") {
    if (!(runner.custom_build_dir.enabled ?? !environment.sharedBuildsDir)) {
      throw new JobConfigurationError(
        "setting GIT_CLONE_PATH is not allowed, enable `custom_build_dir` feature",
      );
    }
    resolved = resolve(withClonePath(resolved.paths, gitClonePath));
  } else if (gitStrategy === "empty") {
    const projectDir = `${resolved.paths.projectDir}-empty`;
    resolved = resolve({ ...resolved.paths, projectDir, tempDir: `${projectDir}.tmp` });
  }
  const context = {
    spec,
    runner,
    environment,
    flags,
    correlationId: run.correlationId,
    startedAt: run.startedAt,
    ...resolved,
  };
  const checkout = { path: resolved.paths.projectDir, custom: gitClonePath !== "" };
  return { variables: resolved.variables, checkout, context, plan: planJob(context) };
}
