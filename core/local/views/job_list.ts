/** `--list`: every job of the configuration, and why some will not run. */

import type { CiAllowFailure, CiJob } from "../../pipeline/ci_config.ts";
import type { PipelineJob } from "../../pipeline/pipeline.ts";
import type { LocalPlan } from "../local_plan.ts";
import type { Paint } from "./paint.ts";

/** One job, as `--list --json` prints it. */
export interface ListedJob {
  readonly name: string;
  readonly stage: string;
  readonly when: string;
  readonly allow_failure: boolean | { readonly exit_codes: readonly number[] };
  /** Null: all jobs of earlier stages. */
  readonly needs: readonly string[] | null;
  readonly image: string | null;
  readonly environment: string | null;
  /** Why it does not run, or null. */
  readonly skipped: string | null;
  /** What is said about that. */
  readonly description: string;
}

export function listJobs({ pipeline, selection }: LocalPlan): readonly ListedJob[] {
  const skipped = new Map(selection.skipped.map((one) => [one.name, one]));
  const about = (name: string) => ({
    skipped: skipped.get(name)?.reason ?? null,
    description: skipped.get(name)?.message ?? "",
  });
  return [
    ...pipeline.jobs.map((job) => ({ ...ofPipeline(job), ...about(job.name) })),
    ...pipeline.excluded.map(({ job, name }) => ({ ...ofConfig(job, name), ...about(name) })),
  ];
}

function ofPipeline(job: PipelineJob) {
  return {
    name: job.name,
    stage: job.stage,
    when: job.when,
    allow_failure: allowed(job.allowFailure),
    needs: job.needs?.map((need) => need.job) ?? null,
    image: job.image?.name ?? null,
    environment: job.environment?.name ?? null,
  };
}

function ofConfig(job: CiJob, name: string) {
  return {
    name,
    stage: job.stage,
    when: job.when ?? "on_success",
    allow_failure: allowed(job.allowFailure ?? false),
    needs: job.needs?.map((need) => need.job) ?? null,
    image: job.image?.name ?? null,
    environment: job.environment?.name ?? null,
  };
}

function allowed(value: CiAllowFailure): ListedJob["allow_failure"] {
  return typeof value === "boolean" ? value : { exit_codes: value.exitCodes };
}

const HEADINGS = ["JOB", "STAGE", "WHEN", "NEEDS", "IMAGE", ""] as const;

export function jobTable(jobs: readonly ListedJob[], paint: Paint): string {
  const rows = jobs.map((job) => [
    job.name,
    job.stage,
    job.allow_failure === false ? job.when : `${job.when}, may fail`,
    job.needs === null ? "" : job.needs.join(", ") || "nothing",
    job.image ?? "",
    job.skipped === null ? "" : `${job.skipped}: ${job.description}`,
  ]);
  const widths = HEADINGS.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ").trimEnd();
  return [
    paint("bold", line(HEADINGS)),
    ...rows.map((row) => row[5] === "" ? line(row) : paint("dim", line(row))),
    "",
  ].join("\n");
}
