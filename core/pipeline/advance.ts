/** Moves a run of a pipeline on as far as it goes without anything else happening. */

import {
  type CompositeStatus,
  type JobStanding,
  statusOfNeeds,
  statusOfStages,
} from "./composite_status.ts";
import type { PipelineJob } from "./pipeline.ts";
import {
  type JobState,
  type Progress,
  type ProgressStep,
  standingOf,
  statusOf,
} from "./progress_state.ts";
import type { OrderedJob } from "./run_order.ts";
import { skip, type SkippedJob } from "./select.ts";
import { blockedBy, whySkipped } from "./why_skipped.ts";

export function advance(progress: Progress, nowMs: number): ProgressStep {
  const pass = new Pass(progress);
  if (progress.canceledBy !== undefined) cancelRest(progress, pass);
  else {
    beginWaiting(progress, pass, nowMs);
    decideCreated(progress, pass, nowMs);
    skipBlocked(progress, pass);
  }
  const next = { ...progress, states: pass.states, nextTurn: pass.nextTurn };
  const due = [...pass.states.values()]
    .flatMap((state) => state.kind === "scheduled" ? [state.atMs] : []);
  return {
    progress: next,
    start: pass.start,
    skipped: pass.skipped,
    dueAtMs: due.length === 0 ? undefined : Math.min(...due),
    status: statusOf(next),
  };
}

/** The jobs of one pass over a progress: those whose turn has come change their state. */
class Pass {
  readonly states: Map<string, JobState>;
  readonly start: { readonly job: PipelineJob; readonly attempt: number }[] = [];
  readonly skipped: SkippedJob[] = [];
  readonly #jobs: ReadonlyMap<string, OrderedJob>;
  #nextTurn: number;

  constructor(progress: Progress) {
    this.states = new Map(progress.states);
    this.#jobs = progress.jobs;
    this.#nextTurn = progress.nextTurn;
  }

  get nextTurn(): number {
    return this.#nextTurn;
  }

  standingOf(name: string): JobStanding {
    return standingOf(this.#jobs.get(name)!.job, this.states.get(name)!);
  }

  /** Starts a job, or makes it wait for its resource group. */
  begin({ name, resourceGroup }: PipelineJob): void {
    if (resourceGroup !== undefined && this.#isTaken(resourceGroup)) {
      this.states.set(name, { kind: "waiting", turn: this.#nextTurn++ });
      return;
    }
    this.states.set(name, { kind: "running", attempt: 1 });
    this.start.push({ job: this.#jobs.get(name)!.job, attempt: 1 });
  }

  skip(skipped: SkippedJob): void {
    this.states.set(skipped.name, { kind: "skipped" });
    this.skipped.push(skipped);
  }

  /**
   * A manual job that nobody asked for has been told as skipped long ago: only its state changes. It
   * is in the way of others when it could have been run.
   */
  leave(name: string, couldRun: boolean): void {
    this.states.set(name, { kind: couldRun ? "left" : "skipped" });
  }

  schedule(name: string, atMs: number): void {
    this.states.set(name, { kind: "scheduled", atMs });
  }

  #isTaken(resourceGroup: string): boolean {
    return [...this.#jobs.values()].some(({ job }) =>
      job.resourceGroup === resourceGroup && this.states.get(job.name)!.kind === "running"
    );
  }
}

/** Those in line for a resource group come before those whose time has come. */
function beginWaiting({ jobs }: Progress, pass: Pass, nowMs: number): void {
  const turnOf = ({ job }: OrderedJob): number => {
    const state = pass.states.get(job.name)!;
    if (state.kind === "waiting") return state.turn;
    const isDue = state.kind === "scheduled" && state.atMs <= nowMs;
    return isDue ? Number.MAX_SAFE_INTEGER : Number.POSITIVE_INFINITY;
  };
  const turns = [...jobs.values()].map((one) => ({ one, turn: turnOf(one) }))
    .filter(({ turn }) => turn !== Number.POSITIVE_INFINITY)
    .toSorted((a, b) => a.turn - b.turn);
  for (const { one: { job } } of turns) {
    const before = pass.states.get(job.name)!;
    pass.begin(job);
    // Still not its turn: it keeps its place in the line.
    if (before.kind === "waiting" && pass.states.get(job.name)!.kind === "waiting") {
      pass.states.set(job.name, before);
    }
  }
}

/** Decides about every job that all it waits for has ended for, in one pass from first to last. */
function decideCreated({ jobs }: Progress, pass: Pass, nowMs: number): void {
  const earlier = new Set<JobStanding>();
  let stage: OrderedJob[] = [];
  for (const one of jobs.values()) {
    if (stage[0] !== undefined && stage[0].stageAt !== one.stageAt) {
      for (const { job } of stage) earlier.add(pass.standingOf(job.name));
      stage = [];
    }
    stage.push(one);
    if (pass.states.get(one.job.name)!.kind !== "created") continue;
    const before = one.needs === undefined
      ? statusOfStages(earlier)
      : statusOfNeeds(new Set(one.needs.map((name) => pass.standingOf(name))));
    if (before !== "pending") decide(one, before, pass, jobs, nowMs);
  }
}

function decide(
  one: OrderedJob,
  before: Exclude<CompositeStatus, "pending">,
  pass: Pass,
  jobs: Progress["jobs"],
  nowMs: number,
): void {
  const { job } = one;
  const couldRun = mayRun(one, before);
  if (one.isLeft) pass.leave(job.name, couldRun);
  else if (!couldRun) pass.skip(whySkipped(one, jobs, (name) => pass.standingOf(name)));
  else if (job.when === "delayed") pass.schedule(job.name, nowMs + job.startInMs);
  else pass.begin(job);
}

/** A skipped stage does not stop the next one; a skipped need does. */
function mayRun({ job, needs }: OrderedJob, before: CompositeStatus): boolean {
  switch (job.when) {
    case "on_success":
    case "manual":
    case "delayed":
      return before === "success" || (before === "skipped" && needs === undefined);
    case "on_failure":
      return before === "failed";
    case "always":
      return before !== "canceled";
  }
}

/** When nothing runs any more, what is left waits for manual jobs that will not be run. */
function skipBlocked({ jobs }: Progress, pass: Pass): void {
  const isActive = [...pass.states.values()].some(({ kind }) =>
    kind === "running" || kind === "waiting" || kind === "scheduled"
  );
  if (isActive) return;
  for (const one of jobs.values()) {
    if (pass.states.get(one.job.name)!.kind !== "created") continue;
    if (one.isLeft) pass.leave(one.job.name, false);
    else pass.skip(blockedBy(one, jobs, (name) => pass.standingOf(name)));
  }
}

function cancelRest({ jobs, canceledBy }: Progress, pass: Pass): void {
  const why = canceledBy === "failure"
    ? "a job failed, and workflow:auto_cancel:on_job_failure is all"
    : "the pipeline was canceled";
  for (const { job, isLeft } of jobs.values()) {
    const { kind } = pass.states.get(job.name)!;
    if (kind !== "created" && kind !== "scheduled" && kind !== "waiting") continue;
    if (isLeft) pass.leave(job.name, false);
    else pass.skip(skip(job, "canceled", why));
  }
}
