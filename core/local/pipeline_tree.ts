/** A pipeline with the child pipelines that its trigger jobs start. */

import { messageOf } from "../errors.ts";
import type { EndStatus } from "../pipeline/job_outcome.ts";
import type { Pipeline, PipelineFacts, PipelineJob } from "../pipeline/pipeline.ts";
import { CiConfigError } from "../pipeline/place.ts";
import { jobNames, type Selection } from "../pipeline/select.ts";
import type { EventStream } from "./event_stream.ts";
import { endedAs } from "./events.ts";
import { type AttemptReport, reportWithoutScript } from "./job_attempt.ts";
import type { JobRunner } from "./job_runner.ts";
import type { LocalPlan } from "./local_plan.ts";
import { type PipelineEnd, runPipeline } from "./pipeline_run.ts";
import { tellWarning } from "./warnings.ts";

export interface PipelineTreeOptions {
  readonly plan: LocalPlan;
  readonly runner: JobRunner;
  readonly events: EventStream;
  /** Of the run, for what is extracted on the way. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** One pipeline of the tree. */
export interface TreePipeline {
  readonly pipeline: Pipeline;
  readonly selection: Selection;
  readonly facts: PipelineFacts;
  /** Names of the trigger jobs above it. */
  readonly path: readonly string[];
}

/** GitLab lets a child pipeline have children, and no more. */
const DEEPEST = 2;

export class PipelineTree {
  readonly #options: PipelineTreeOptions;
  /** Child pipelines that nobody waits for. */
  readonly #loose = new Set<Promise<unknown>>();
  /** Manual jobs asked for that no pipeline has had so far. */
  readonly #unmet: Set<string>;
  #lastId = 1;

  constructor(options: PipelineTreeOptions) {
    this.#options = options;
    this.#unmet = new Set(options.plan.manual);
  }

  /** Resolves when the pipeline and all that it started have ended. */
  async run(root: Omit<TreePipeline, "path">): Promise<PipelineEnd> {
    const { signal } = this.#options;
    const end = await this.#run({ ...root, path: [] }, signal);
    while (this.#loose.size > 0) await Promise.all(this.#loose);
    for (const name of this.#unmet) {
      const message = `--manual: no pipeline of this run has a job "${name}"`;
      tellWarning(this.#options.events, {
        message,
        place: undefined,
        keyword: undefined,
        job: undefined,
      });
    }
    return end;
  }

  async #run(tree: TreePipeline, signal: AbortSignal): Promise<PipelineEnd> {
    const { plan, runner, events } = this.#options;
    const { pipeline, selection, facts, path } = tree;
    for (const name of jobNames(pipeline)) this.#unmet.delete(name);
    runner.openPipeline(facts.predefined["CI_PIPELINE_ID"] ?? "", path);
    const warnings = [...pipeline.warnings, ...selection.warnings];
    for (const warning of warnings) tellWarning(events, warning);
    events.emit({
      type: "pipeline.started",
      pipeline: [...path],
      source: facts.source,
      ref: facts.ref,
      sha: plan.sources.facts.head?.sha ?? plan.sources.sha,
      name: pipeline.name ?? null,
      jobs: selection.run.length,
    });
    return await runPipeline({
      pipeline,
      selection,
      path,
      events,
      runJob: (job, attempt, options) =>
        job.config.trigger === undefined
          ? runner.run(job, attempt, path, options)
          : this.#trigger(job, attempt, tree, options.signal),
      signal,
    });
  }

  async #trigger(
    job: PipelineJob,
    attempt: number,
    tree: TreePipeline,
    signal: AbortSignal,
  ): Promise<AttemptReport> {
    const { events } = this.#options;
    const started = performance.now();
    events.emit({
      type: "job.started",
      job: job.name,
      stage: job.stage,
      pipeline: [...tree.path],
      attempt,
      executor: "trigger",
      image: null,
    });
    try {
      const status = await this.#startChild(job, tree, signal);
      return reportWithoutScript(status, performance.now() - started);
    } catch (error) {
      if (signal.aborted) return reportWithoutScript("canceled", performance.now() - started);
      this.#options.runner.tellFault(job, tree.path, messageOf(error));
      const report = reportWithoutScript("failed", performance.now() - started);
      const failureReason = error instanceof CiConfigError
        ? "downstream_pipeline_creation_failed"
        : "runner_system_failure";
      return { ...report, failureReason };
    }
  }

  async #startChild(
    job: PipelineJob,
    parent: TreePipeline,
    signal: AbortSignal,
  ): Promise<EndStatus> {
    const { plan, runner, directory } = this.#options;
    const { trigger, place } = job.config;
    if (trigger === undefined) return "success";
    const path = [...parent.path, job.name];
    if (path.length > DEEPEST) {
      const message = `${job.name}: child pipelines may be ${DEEPEST} levels deep`;
      throw new CiConfigError([{ message, place }]);
    }
    const { planChild } = await import("./child_pipeline.ts");
    const child = await planChild({
      job,
      trigger,
      plan,
      parent: parent.facts,
      id: ++this.#lastId,
      jobId: runner.nextId(),
      archiveOf: (name) => runner.archiveOf(name, parent.path),
      directory,
      signal,
    });
    const run = this.#runChild({ ...child, path }, signal);
    if (trigger.depends) return await run;
    const loose = run.finally(() => this.#loose.delete(loose));
    this.#loose.add(loose);
    return "success";
  }

  async #runChild(child: TreePipeline, signal: AbortSignal): Promise<EndStatus> {
    const started = performance.now();
    const { status } = await this.#run(child, signal);
    this.#options.events.emit({
      type: "pipeline.finished",
      pipeline: [...child.path],
      ...endedAs(status),
      exit_code: status === "success" || status === "manual" ? 0 : 1,
      duration_ms: Math.round(performance.now() - started),
      junit: this.#options.runner.junit(child.path),
    });
    return status;
  }
}
