/**
 * The life of one job in this manager: accept, run, report, tidy up. The coordinator knows the
 * result before anything is tidied up, and a crash at any point leaves a record to go on from.
 */

import type { JobHandle } from "../coordinator/coordinator.ts";
import { JobConfigurationError, messageOf } from "../errors.ts";
import type { Executor, ExecutorHost } from "../executor.ts";
import { checkJob } from "../job/check.ts";
import type { JobResponse } from "../job/response.ts";
import type { JobResult } from "../job/result.ts";
import { type JobSpec, jobSpec, type TlsMaterial } from "../job/spec.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Registry } from "../registry.ts";
import { resultOf, writeResult } from "../run/outcome.ts";
import type { OnFailedJob } from "../run/failed_job.ts";
import type { JobRun } from "../run/job_run.ts";
import { type JobEnd, runJob } from "../run/run_job.ts";
import type { Shell } from "../shell.ts";
import type { JobRecord } from "../trace/record.ts";
import type { ComingJob, JobTraces, OpenedTrace } from "./job_traces.ts";
import { JobAborted, JobCanceled } from "../util/abort.ts";
import { acceptJob } from "./accept.ts";
import type { ActiveJob, ActiveJobs } from "./active_jobs.ts";
import type { JobBudget, Permit } from "./budget.ts";
import { withInputs } from "./job_inputs.ts";
import { jobLogFields } from "./job_log_fields.ts";
import { jobUrl } from "./job_url.ts";
import { reportJob, reportWithoutTrace } from "./report.ts";
import type { HeldSlot, JobSlots } from "./slots.ts";
import { judgeQueueing } from "./queue_threshold.ts";
import { StageClock } from "./stage_clock.ts";
import type { Assignment } from "./worker.ts";

export interface JobLineOptions {
  readonly host: ExecutorHost;
  readonly systemId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly shells: Registry<Shell>;
  readonly budget: JobBudget;
  readonly active: ActiveJobs;
  readonly traces: JobTraces;
  readonly slots: (runnerToken: string) => JobSlots;
  readonly onFailedJob?: OnFailedJob | undefined;
  /** Keeps track of work that goes on after a job's result has been told. */
  readonly background: (work: Promise<void>) => void;
  /** Ends the report of results when the process has no more time. */
  readonly signal: AbortSignal;
}

/** Longest time that tidying up after a job may take; what is left is reaped later. */
const TIDY_UP_MS = 60_000;

interface JobControllers {
  readonly script: AbortController;
  readonly job: AbortController;
}

/**
 * Runs one assignment. Resolves when the coordinator has been told, or the result has been kept for
 * later; never rejects.
 */
export async function runAssignedJob(
  assignment: Assignment,
  options: JobLineOptions,
): Promise<void> {
  const { outcome, parts, executor, permit } = assignment;
  const { logger, active, budget } = options;
  const controllers = { script: new AbortController(), job: new AbortController() };
  const job: ActiveJob = {
    key: `${parts.runner.url} ${outcome.job.id}`,
    id: outcome.job.id,
    url: jobUrl(assignment),
    labels: parts.labels,
    startedAt: performance.now(),
    stage: "",
    activity: () => executor.activity,
    state: "pending",
    cancel: () => controllers.script.abort(new JobCanceled()),
    abort: (reason) => controllers.job.abort(reason),
  };
  const log = logger.with(jobLogFields(assignment));
  const isNew = active.add(job);
  const list = () => ({ builds: active.all.length, max_builds: budget.capacity });
  try {
    if (isNew) {
      log.info("Added job to processing list", list());
      await new JobLine(assignment, options, job, controllers, log).run();
    } else log.warning("This job is running here already; the second assignment is ignored");
  } catch (error) {
    log.error("The job could not be handled", { error: messageOf(error) });
  } finally {
    active.remove(job);
    if (isNew) log.info("Removed job from processing list", list());
    permit?.[Symbol.dispose]();
    // After a job that ran, tidying up does this.
    if (job.state === "pending") options.background(dispose(executor, log));
  }
}

async function dispose(executor: Executor, log: Logger): Promise<void> {
  try {
    await executor[Symbol.asyncDispose]();
  } catch (error) {
    log.error("Cannot tidy up after the job", { error: messageOf(error) });
  }
}

/** One job on its way through this manager. */
class JobLine {
  readonly #assignment: Assignment;
  readonly #options: JobLineOptions;
  readonly #job: ActiveJob;
  readonly #controllers: JobControllers;
  readonly #log: Logger;
  readonly #handle: JobHandle;
  #record: JobRecord | undefined;
  #accepted = false;

  constructor(
    assignment: Assignment,
    options: JobLineOptions,
    job: ActiveJob,
    controllers: JobControllers,
    log: Logger,
  ) {
    this.#assignment = assignment;
    this.#options = options;
    this.#job = job;
    this.#controllers = controllers;
    this.#log = log;
    this.#handle = assignment.parts.coordinator.job(
      assignment.outcome.job,
      assignment.parts.info(),
    );
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.#log.error("The job could not be handled", { error: messageOf(error) });
      if (!this.#accepted) return;
      const { signal } = this.#options;
      await reportWithoutTrace(this.#handle, messageOf(error), { log: this.#log, signal });
      this.#record?.remove();
    }
  }

  /**
   * From here on a crash is answered for. A disk that takes no record does not keep the job from being
   * accepted: only then can it be reported as failed.
   */
  #remember(): void {
    try {
      this.#record = this.#options.traces.record(this.#coming());
    } catch (error) {
      this.#log.error("A crash of this runner would lose the job", { error: messageOf(error) });
    }
  }

  async #run(): Promise<void> {
    const { outcome } = this.#assignment;
    const signal = AbortSignal.any([this.#options.signal, this.#controllers.job.signal]);
    this.#remember();
    const acceptance = await acceptJob(this.#handle, { signal });
    if (acceptance.kind === "dropped") {
      this.#record?.remove();
      this.#log.warning("The coordinator does not confirm the job; it is not run", {
        error: acceptance.why,
      });
      return;
    }
    this.#accepted = true;
    this.#record?.accept();
    if (acceptance.kind === "canceled") {
      return await this.#refuse({ kind: "canceled", message: "canceled" });
    }
    if (outcome.kind === "unusable-job") {
      return await this.#refuse(
        systemFailure(`the job's payload cannot be used: ${outcome.problem}`),
      );
    }
    const refusal = checkJob(outcome.job);
    if (refusal !== undefined) return await this.#refuse({ kind: "failed", ...refusal });
    await this.#execute(outcome.job, outcome.tls, outcome.correlationId);
  }

  async #execute(response: JobResponse, tls: TlsMaterial, correlationId: string): Promise<void> {
    const { parts } = this.#assignment;
    const { metrics, slots } = this.#options;
    const opened = this.#openTrace();
    const job = withInputs(response, opened, metrics);
    if (job instanceof JobConfigurationError) return await this.#refuse(resultOf(job), opened);
    using _permit = await this.#place(opened);
    const held = slots(parts.runner.token.reveal()).take(response.job_info.project_id);
    try {
      await held.ready;
      metrics.jobStarted(parts.labels, {
        executor: parts.runner.executor,
        seconds: response.job_info.time_in_queue_seconds,
        projectJobsRunning: response.job_info.project_jobs_running_on_instance_runners_count,
        size: response.job_info.queue_size,
        depth: response.job_info.queue_depth,
      });
      this.#judgeQueueing(response);
      const end = await this.#runJob(jobSpec(job, { slot: held.slot, tls }), opened, correlationId);
      await this.#settle(end, opened, { held, acceptedReasons: response.features.failure_reasons });
    } finally {
      // Also of a job that could not be begun.
      held.release(Promise.resolve());
    }
  }

  async #runJob(spec: JobSpec, opened: OpenedTrace, correlationId: string): Promise<JobEnd> {
    const { parts, executor } = this.#assignment;
    if (opened.flags.FF_LOG_IMAGES_CONFIGURED_FOR_JOB) logImages(spec, this.#log);
    const clock = this.#stageClock(opened);
    const run: JobRun = {
      spec,
      runner: parts.runner,
      systemId: this.#options.systemId,
      flags: opened.flags,
      executor,
      executorName: parts.runner.executor,
      sharedEnvironment: parts.provider.info(parts.runner).features.shared,
      shells: this.#options.shells,
      trace: opened.trace,
      correlationId,
      startedAt: new Date(),
      remember: (note) => opened.remember(note),
      onStage: (name) => {
        this.#job.stage = name;
        clock?.enter(name);
      },
      onFailed: this.#options.onFailedJob,
    };
    this.#job.state = "running";
    const { script, job } = this.#controllers;
    const end = await runJob(run, { script: script.signal, job: job.signal });
    clock?.enter(undefined);
    this.#job.state = "finishing";
    return end;
  }

  /** Reports, and begins to tidy up however that went. */
  async #settle(
    end: JobEnd,
    opened: OpenedTrace,
    options: { held: HeldSlot; acceptedReasons: readonly string[] },
  ): Promise<void> {
    let isTold = false;
    try {
      await this.#report(opened, end.result, options.acceptedReasons);
      isTold = true;
    } finally {
      const tidied = this.#tidyUp(end, isTold ? opened : undefined);
      options.held.release(tidied);
      this.#options.background(tidied);
    }
  }

  #judgeQueueing(response: JobResponse): void {
    const { runner, labels } = this.#assignment.parts;
    const { isLate, problems } = judgeQueueing(runner.monitoring, response.job_info, new Date());
    if (isLate) this.#options.metrics.queuedTooLong(labels);
    for (const problem of problems) this.#log.warning(`Ignoring ${problem}`);
  }

  /** A series for each stage of each runner is more than everybody wants to keep. */
  #stageClock({ flags }: OpenedTrace): StageClock | undefined {
    if (!flags.FF_EXPORT_HIGH_CARDINALITY_METRICS) return undefined;
    const { metrics } = this.#options;
    const { labels } = this.#assignment.parts;
    return new StageClock((stage, durationMs) =>
      metrics.stageFinished(labels, { stage, durationMs })
    );
  }

  /**
   * The job's place among the running ones. A job that came when all were taken, because its
   * request had been waiting, is ours all the same: it waits, and its trace says for what.
   */
  async #place(opened: OpenedTrace): Promise<Permit | undefined> {
    const { permit } = this.#assignment;
    if (permit !== undefined) return permit;
    const { budget } = this.#options;
    const now = budget.reserve();
    if (now !== undefined) return now;
    opened.trace.notice(`Waiting for one of the ${budget.capacity} running jobs to end...`);
    // When the job is ended before its turn, running it comes to that end at once.
    return await budget.take({ signal: this.#controllers.job.signal }).catch(() => undefined);
  }

  /** `opened` undefined: its record is still needed. */
  async #tidyUp(end: JobEnd, opened: OpenedTrace | undefined): Promise<void> {
    const { executor } = this.#assignment;
    await this.#tidy(() => executor.finish(end.result));
    const isTidy = await this.#tidy(() => end.tidyUp({ signal: AbortSignal.timeout(TIDY_UP_MS) }));
    const isGone = await this.#tidy(() => executor[Symbol.asyncDispose]());
    // What is left is for the next start to find.
    if (isTidy && isGone) opened?.forget();
  }

  /** False: it failed, and what comes after it is all the more needed. */
  async #tidy(step: () => PromiseLike<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.#log.error("Cannot tidy up after the job", { error: messageOf(error) });
      return false;
    }
  }

  /** Reports how a job ended of which nothing was run. */
  async #refuse(result: JobResult, opened = this.#openTrace()): Promise<void> {
    const { response } = this.#coming();
    writeResult(opened.trace, result);
    await this.#report(opened, result, response?.features.failure_reasons ?? []);
    opened.forget();
  }

  async #report(
    opened: OpenedTrace,
    result: JobResult,
    acceptedReasons: readonly string[],
  ): Promise<void> {
    const { metrics, signal } = this.#options;
    const { labels } = this.#assignment.parts;
    const { startedAt } = this.#job;
    await reportJob(
      { opened, result, acceptedReasons, startedAt },
      { labels, metrics, log: this.#log, signal },
    );
  }

  #openTrace(): OpenedTrace {
    const { traces } = this.#options;
    const coming = this.#coming();
    this.#record ??= traces.record(coming);
    return traces.open(this.#record, {
      ...coming,
      handle: this.#handle,
      onCancel: () => this.#controllers.script.abort(new JobCanceled()),
      onAbort: (why) => this.#controllers.job.abort(new JobAborted(why)),
      onDiskFailure: (failure) => this.#controllers.job.abort(failure),
    });
  }

  #coming(): ComingJob {
    const { parts, outcome } = this.#assignment;
    const response = outcome.kind === "job" ? outcome.job : undefined;
    return { job: outcome.job, response, runner: parts.runner, labels: parts.labels };
  }
}

function systemFailure(message: string): JobResult {
  return { kind: "failed", reason: "runner_system_failure", message };
}

/** What `FF_LOG_IMAGES_CONFIGURED_FOR_JOB` asks for. */
function logImages(spec: JobSpec, log: Logger): void {
  if (spec.image !== undefined) {
    log.info("Image configured for job", { image_name: spec.image.name });
  }
  for (const { name } of spec.services) {
    log.info("Service image configured for job", { image_name: name });
  }
}
