/** Runs pipelines in tests, writing down all that happens. */

import { compose } from "../../../core/pipeline/compose.ts";
import type { JobOutcome } from "../../../core/pipeline/job_outcome.ts";
import type { Pipeline } from "../../../core/pipeline/pipeline.ts";
import {
  beginProgress,
  cancelProgress,
  reportFinished,
  reportTime,
} from "../../../core/pipeline/progress.ts";
import type { ProgressStep } from "../../../core/pipeline/progress_state.ts";
import { EVERYTHING, select, type SelectionRequest } from "../../../core/pipeline/select.ts";
import { config, facts, type JobText } from "./builders.ts";

export type Jobs = Readonly<Record<string, JobText>>;

/**
 * How jobs end: `ok`, `fail`, `fail 3` with that exit code, `broken` by the runner, `cancel`, and
 * `blocked` where a trigger job waits for a pipeline that is.
 */
export type Ending = string;

/** A run of which the test is the one that runs the jobs; it writes down all that happens. */
export class Run {
  readonly events: string[] = [];
  step: ProgressStep;
  nowMs = 0;

  constructor(jobs: Jobs | Pipeline, request: Partial<SelectionRequest> = {}) {
    const pipeline = isPipeline(jobs) ? jobs : compose(config(jobs), facts());
    this.step = this.#take(
      beginProgress(pipeline, select(pipeline, { ...EVERYTHING, ...request }), this.nowMs),
    );
  }

  end(name: string, ending: Ending = "ok"): this {
    this.events.push(`${name} ${ending}`);
    this.step = this.#take(
      reportFinished(this.step.progress, name, outcome(ending), this.nowMs),
    );
    return this;
  }

  wait(ms: number): this {
    this.events.push(`${ms} ms pass`);
    this.nowMs += ms;
    this.step = this.#take(reportTime(this.step.progress, this.nowMs));
    return this;
  }

  cancel(): this {
    this.step = this.#take(cancelProgress(this.step.progress, this.nowMs));
    return this;
  }

  #take(step: ProgressStep): ProgressStep {
    for (const { name, reason, message } of step.skipped) {
      this.events.push(`skip ${name} (${reason}): ${message}`);
    }
    for (const { job, attempt } of step.start) {
      this.events.push(attempt === 1 ? `start ${job.name}` : `start ${job.name} (${attempt})`);
    }
    return step;
  }
}

const STATUSES = new Map<string | undefined, JobOutcome["status"]>([
  ["ok", "success"],
  ["cancel", "canceled"],
  ["blocked", "manual"],
]);

function outcome(ending: Ending): JobOutcome {
  const [word, code] = ending.split(" ");
  const status = STATUSES.get(word) ?? "failed";
  return {
    status,
    exitCode: status === "failed" ? Number(code ?? 1) : undefined,
    failureReason: status === "failed"
      ? word === "broken" ? "runner_system_failure" : "script_failure"
      : undefined,
  };
}

/** Ends jobs as `endings` says, the others well, in the order in which they were started. */
export function play(
  jobs: Jobs | Pipeline,
  endings: Readonly<Record<string, Ending>> = {},
  request: Partial<SelectionRequest> = {},
): Run {
  const run = new Run(jobs, request);
  const open: string[] = [];
  const started = () => run.step.start.map(({ job }) => job.name);
  open.push(...started());
  while (run.step.status === "running") {
    const name = open.shift();
    if (name === undefined) run.wait(run.step.dueAtMs! - run.nowMs);
    else run.end(name, endings[name] ?? "ok");
    open.push(...started());
  }
  return run;
}

function isPipeline(jobs: Jobs | Pipeline): jobs is Pipeline {
  return Array.isArray(jobs.excluded);
}

export const BUILD: JobText = { stage: "build" };
export const DEPLOY: JobText = { stage: "deploy" };
