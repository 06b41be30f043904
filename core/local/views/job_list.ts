/** `--list`: every job of the configuration, and why some will not run. */

import type { CiAllowFailure, CiJob } from "../../pipeline/ci_config.ts";
import type { PipelineJob } from "../../pipeline/pipeline.ts";
import type { LocalPlan } from "../local_plan.ts";
import type { Paint } from "./paint.ts";
import { pad, widthOf } from "./text_width.ts";

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
    job.needs === null ? "" : someOf(job.needs),
    job.image ?? "",
    job.skipped === null ? "" : `${job.skipped}: ${job.description}`,
  ]);
  const widths = HEADINGS.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => widthOf(row[at] ?? "")))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => pad(cell, widths[at] ?? 0)).join("  ").trimEnd();
  return [
    paint("bold", line(HEADINGS)),
    ...rows.map((row) => row[5] === "" ? line(row) : paint("dim", line(row))),
    "",
  ].join("\n");
}

/** Some jobs need dozens of others, and every line would be as wide as theirs. */
function someOf(names: readonly string[]): string {
  const more = names.length - MOST_NEEDS;
  if (names.length === 0) return "nothing";
  return more < 2 ? names.join(", ") : `${names.slice(0, MOST_NEEDS).join(", ")} and ${more} more`;
}

const MOST_NEEDS = 2;
