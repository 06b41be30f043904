/** Picks the jobs of a pipeline that a command line asks for. */

import { ConfigurationError } from "../errors.ts";
import { nearest } from "../util/nearest.ts";
import { jobLimits } from "./local_limits.ts";
import type { Pipeline, PipelineJob } from "./pipeline.ts";
import type { CiWarning } from "./place.ts";
import { whyUnsupported } from "./unsupported.ts";

/** Names are full names, or base names, which stand for all instances. */
export interface SelectionRequest {
  /** Together with `stages`: what to run; both empty: everything. */
  readonly jobs: readonly string[];
  readonly stages: readonly string[];
  /** `also`: with all that they wait for; `only`: that, and not they themselves. */
  readonly needs: "none" | "also" | "only";
  /** Manual jobs to run besides; those of child pipelines among them. */
  readonly manual: readonly string[];
  /** Full names of the jobs that the last run left to do: only these. Names that are gone are ignored. */
  readonly rerun: readonly string[] | undefined;
}

export const EVERYTHING: SelectionRequest = {
  jobs: [],
  stages: [],
  needs: "none",
  manual: [],
  rerun: undefined,
};

const NOT_ASKED = "is not among the jobs asked for";

/** Why a job does not run, as `job.skipped` events name it. */
export type SkipReason =
  | "rules"
  | "manual"
  | "not_selected"
  | "needs_failed"
  | "stage_failed"
  | "unsupported"
  | "canceled";

export interface SkippedJob {
  /** Full name. */
  readonly name: string;
  readonly stage: string;
  readonly reason: SkipReason;
  readonly message: string;
}

export interface Selection {
  /** In the pipeline's order. */
  readonly run: readonly PipelineJob[];
  /** All others, those that rules left out included. */
  readonly skipped: readonly SkippedJob[];
  /** What the jobs that run ask for without an effect here; the pipeline has warnings of its own. */
  readonly warnings: readonly CiWarning[];
}

/**
 * A manual job runs when it is named, and is left to people otherwise. Nothing waits for a job that
 * cannot be run here. Throws {@link ConfigurationError} for a name that is nowhere in the configuration.
 */
export function select(pipeline: Pipeline, request: SelectionRequest): Selection {
  checkNames(pipeline, request);
  const { jobs, excluded } = pipeline;
  const asked = jobs.filter(named([...request.jobs, ...request.manual]));
  const isAsked = askedFor(request);
  const { rerun } = request;
  const chosen = new Set(
    jobs.filter((job) => isAsked(job) && (rerun === undefined || rerun.includes(job.name))),
  );
  const wanted = request.needs === "none"
    ? chosen
    : withNeeds(chosen, asked, pipeline, request.needs);
  const played = new Set([...asked, ...(rerun === undefined ? [] : chosen)]);
  const skips = new Map<PipelineJob, SkippedJob>();
  for (const job of jobs) {
    const unsupported = whyUnsupported(job.config);
    if (!wanted.has(job)) {
      skips.set(job, skip(job, "not_selected", NOT_ASKED));
    } else if (unsupported !== undefined) {
      skips.set(job, skip(job, "unsupported", unsupported));
    } else if (job.when === "manual" && !played.has(job)) {
      skips.set(job, skip(job, "manual", `is manual: run it with --manual "${job.name}"`));
    }
  }
  const run = jobs.filter((job) => !skips.has(job));
  return {
    run,
    warnings: jobLimits(new Set(run.map(({ config }) => config))),
    skipped: [
      ...skips.values(),
      ...excluded.map(({ job, name, message }) => {
        const one = { name, baseName: job.name, stage: job.stage };
        return isAsked(one) ? skip(one, "rules", message) : skip(one, "not_selected", NOT_ASKED);
      }),
    ],
  };
}

/** Why nothing runs of what was asked for. */
export function whyNothing({ skipped }: Selection): string {
  const reasons = skipped.filter(({ reason }) => reason !== "not_selected")
    .map(({ name, message }) => `"${name}" ${message}`);
  const shown = reasons.slice(0, MOST_LISTED).join("; ");
  return `There is nothing to run${shown === "" ? "" : `: ${shown}`}`;
}

export function skip(
  { name, stage }: { readonly name: string; readonly stage: string },
  reason: SkipReason,
  message: string,
): SkippedJob {
  return { name, stage, reason, message };
}

/** Whether jobs or stages of the request mean a job; none named means all. */
function askedFor(
  { jobs, stages, manual }: SelectionRequest,
): (job: { readonly name: string; readonly baseName: string; readonly stage: string }) => boolean {
  const isNamed = named([...jobs, ...manual]);
  const all = jobs.length === 0 && stages.length === 0;
  return (job) => all || isNamed(job) || stages.includes(job.stage);
}

/** Manual jobs that nobody asked for bring nothing they need with them. */
function withNeeds(
  chosen: ReadonlySet<PipelineJob>,
  asked: readonly PipelineJob[],
  { jobs, stages }: Pipeline,
  needs: "also" | "only",
): ReadonlySet<PipelineJob> {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const stageAt = new Map(stages.map((stage, at) => [stage, at]));
  const found = new Set<PipelineJob>();
  const open = [...chosen];
  for (let job = open.pop(); job !== undefined; job = open.pop()) {
    if (job.when === "manual" && !asked.includes(job)) continue;
    const at = stageAt.get(job.stage)!;
    const waitsFor = job.needs?.map((need) => byName.get(need.job)!) ??
      jobs.filter((other) => stageAt.get(other.stage)! < at);
    for (const other of waitsFor) {
      if (found.has(other)) continue;
      found.add(other);
      open.push(other);
    }
  }
  if (needs === "also") return new Set([...chosen, ...found]);
  return new Set([...found].filter((job) => !chosen.has(job)));
}

function named(
  names: readonly string[],
): (job: { readonly name: string; readonly baseName: string }) => boolean {
  const all = new Set(names);
  return ({ name, baseName }) => all.has(name) || all.has(baseName);
}

/** Everything that a job of the pipeline, or one that is left out of it, is called. */
export function jobNames({ jobs, excluded }: Pipeline): ReadonlySet<string> {
  return new Set([
    ...jobs.flatMap(({ name, baseName }) => [name, baseName]),
    ...excluded.flatMap(({ name, job }) => [name, job.name]),
  ]);
}

function checkNames(pipeline: Pipeline, { jobs, stages, manual }: SelectionRequest): void {
  const names = jobNames(pipeline);
  // What child pipelines are made of is not known yet.
  const hasChildren = pipeline.jobs.some(({ config }) => config.trigger?.include !== undefined);
  const here = hasChildren ? jobs : [...jobs, ...manual];
  const unknown = here.find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw new ConfigurationError(`There is no job "${unknown}"${hint(unknown, [...names])}`);
  }
  const noStage = stages.find((stage) => !pipeline.stages.includes(stage));
  if (noStage !== undefined) {
    throw new ConfigurationError(`There is no stage "${noStage}"${hint(noStage, pipeline.stages)}`);
  }
}

/** Enough to find a name by. */
const MOST_LISTED = 20;

/** What was probably meant, or what there is. */
function hint(written: string, names: readonly string[]): string {
  const guess = nearest(written, names);
  if (guess !== undefined) return `; did you mean "${guess}"?`;
  const rest = names.length - MOST_LISTED;
  const text = names.slice(0, MOST_LISTED).map((name) => `"${name}"`).join(", ");
  return `; there are ${text}${rest > 0 ? ` and ${rest} more` : ""}`;
}
