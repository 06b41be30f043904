/** Runs of random pipelines: whatever happens, every job is settled once, and none too early. */

import { expect, test } from "bun:test";
import { compose } from "../../core/pipeline/compose.ts";
import type { Pipeline, PipelineJob } from "../../core/pipeline/pipeline.ts";
import {
  beginProgress,
  cancelProgress,
  reportFinished,
  reportTime,
} from "../../core/pipeline/progress.ts";
import type { ProgressStep } from "../../core/pipeline/progress_state.ts";
import { EVERYTHING, select } from "../../core/pipeline/select.ts";
import { config, facts, type JobText } from "../core/pipeline/builders.ts";

const RUNS = 300;
const STAGES = ["build", "test", "deploy"];
const WHEN = [
  "on_success",
  "on_success",
  "on_success",
  "on_failure",
  "always",
  "manual",
  "delayed",
] as const;

type Random = (below: number) => number;

/** The same numbers for the same seed, so that a failure can be had again. */
function random(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomPipeline(next: Random): Pipeline {
  const jobs: Record<string, JobText> = {};
  const count = 2 + next(25);
  const stageOf = Array.from({ length: count }, () => next(STAGES.length)).toSorted();
  for (let at = 0; at < count; at++) {
    const needs = Array.from({ length: next(4) }, () => `job-${next(Math.max(at, 1))}`);
    jobs[`job-${at}`] = {
      stage: STAGES[stageOf[at]!]!,
      when: WHEN[next(WHEN.length)]!,
      startIn: `${next(100)} seconds`,
      ...(next(2) === 0 || at === 0 ? {} : { needs: [...new Set(needs)] }),
      ...(next(3) === 0 ? { allowFailure: next(2) === 0 } : {}),
      ...(next(4) === 0 ? { resourceGroup: `group-${next(2)}` } : {}),
      retry: { max: next(3), when: ["always"], exitCodes: [] },
    };
  }
  // Files may say things in any order.
  return compose(config(Object.fromEntries(Object.entries(jobs).toReversed())), facts());
}

/** Runs a pipeline with jobs that end in any order and in any way, and checks each step. */
function runRandomly(seed: number): void {
  const next = random(seed);
  const pipeline = randomPipeline(next);
  const manual = pipeline.jobs.filter(() => next(3) === 0).map(({ name }) => name);
  const selection = select(pipeline, { ...EVERYTHING, manual });
  const run = new Check(pipeline, selection.run);
  let nowMs = 0;
  let step = run.take(beginProgress(pipeline, selection, nowMs));
  for (let turn = 0; step.status === "running"; turn++) {
    expect(turn).toBeLessThan(2_000);
    if (next(200) === 0) step = run.take(cancelProgress(step.progress, nowMs));
    const running = [...run.running];
    const name = running[next(running.length)];
    if (name === undefined) {
      if (step.status !== "running") break;
      expect(step.dueAtMs).toBeDefined();
      nowMs = step.dueAtMs!;
      step = run.take(reportTime(step.progress, nowMs));
      continue;
    }
    const status = (["success", "success", "success", "failed", "canceled"] as const)[next(5)]!;
    const outcome = { status, exitCode: 1, failureReason: undefined };
    step = run.end(name, reportFinished(step.progress, name, outcome, nowMs));
  }
  run.checkEnd();
}

class Check {
  readonly running = new Set<string>();
  readonly #settled = new Map<string, "ended" | "skipped">();
  readonly #jobs: ReadonlyMap<string, PipelineJob>;
  readonly #toRun: ReadonlySet<string>;

  constructor(pipeline: Pipeline, toRun: readonly PipelineJob[]) {
    this.#jobs = new Map(pipeline.jobs.map((job) => [job.name, job]));
    this.#toRun = new Set(toRun.map(({ name }) => name));
  }

  /** The job has ended, unless the step starts it again. */
  end(name: string, step: ProgressStep): ProgressStep {
    this.running.delete(name);
    if (!step.start.some(({ job }) => job.name === name)) this.#settle(name, "ended");
    return this.take(step);
  }

  take(step: ProgressStep): ProgressStep {
    if (step.progress.canceledBy !== undefined) expect(step.start).toEqual([]);
    for (const { name, message } of step.skipped) {
      expect(this.running.has(name)).toBe(false);
      expect(message).not.toContain("undefined");
      this.#settle(name, "skipped");
    }
    for (const { job, attempt } of step.start) {
      expect(this.#toRun.has(job.name)).toBe(true);
      expect(this.#settled.has(job.name)).toBe(false);
      expect(this.running.has(job.name)).toBe(false);
      if (attempt === 1) this.#checkNeeds(job);
      this.#checkGroup(job);
      this.running.add(job.name);
    }
    return step;
  }

  checkEnd(): void {
    expect(this.running.size).toBe(0);
    expect([...this.#settled.keys()].toSorted()).toEqual([...this.#toRun].toSorted());
  }

  #settle(name: string, how: "ended" | "skipped"): void {
    expect(this.#toRun.has(name)).toBe(true);
    expect([name, this.#settled.get(name)]).toEqual([name, undefined]);
    this.#settled.set(name, how);
  }

  /** One need that does not run at all decides for `always`; else all have to have ended. */
  #checkNeeds(job: PipelineJob): void {
    const needs = job.needs?.map((need) => need.job) ?? this.#before(job);
    const settled = (name: string) => this.#toRun.has(name) ? this.#settled.get(name) : "skipped";
    const isDecided = job.needs !== undefined && job.when === "always" &&
      needs.some((name) => settled(name) === "skipped");
    if (isDecided) return;
    for (const name of needs) {
      expect([job.name, name, settled(name)]).not.toEqual([job.name, name, undefined]);
    }
  }

  /** Of the earlier stages, those that are to run. */
  #before({ stage }: PipelineJob): string[] {
    return [...this.#jobs.values()]
      .filter((job) => STAGES.indexOf(job.stage) < STAGES.indexOf(stage))
      .map(({ name }) => name).filter((name) => this.#toRun.has(name));
  }

  #checkGroup({ resourceGroup }: PipelineJob): void {
    if (resourceGroup === undefined) return;
    const others = [...this.running].map((name) => this.#jobs.get(name)!.resourceGroup);
    expect(others).not.toContain(resourceGroup);
  }
}

test(`${RUNS} random pipelines settle every job once`, () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      runRandomly(seed);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
