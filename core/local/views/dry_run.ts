/** `--dry-run`: what would run, in which order, and what differs from the server. */

import { describeProblem } from "../../pipeline/place.ts";
import type { PipelineJob } from "../../pipeline/pipeline.ts";
import type { LocalPlan } from "../local_plan.ts";
import { localWarnings } from "../warnings.ts";
import type { Paint } from "./paint.ts";

export function dryRunText(
  plan: LocalPlan,
  executorFor: (job: PipelineJob) => string,
  paint: Paint,
): string {
  const { config, pipeline, selection, event, project, sources } = plan;
  const warnings = [
    ...localWarnings(plan, executorFor),
    ...pipeline.warnings,
    ...selection.warnings,
    ...config.lint,
  ];
  const stages = pipeline.stages.flatMap((stage) => {
    const jobs = selection.run.filter((job) => job.stage === stage);
    if (jobs.length === 0) return [];
    return [paint("bold", stage), ...jobs.map((job) => `  ${jobLine(job, executorFor(job))}`)];
  });
  return [
    `${project.path}: ${event.source} on ${event.ref} at ${sources.sha.slice(0, 8)}`,
    ...(pipeline.name === undefined ? [] : [`Name: ${pipeline.name}`]),
    "",
    ...stages,
    "",
    ...selection.skipped
      .filter(({ reason }) => reason !== "not_selected")
      .map(({ name, reason, message }) => paint("dim", `${name} (${reason}): ${message}`)),
    ...warnings.map((warning) => `${paint("yellow", "warning")}: ${describeProblem(warning)}`),
    "",
  ].join("\n");
}

function jobLine(job: PipelineJob, executor: string): string {
  const services = job.services.map(({ name }) => name);
  const own = job.variables.filter(({ origin }) => origin !== "predefined").map(({ key }) => key);
  return [
    `${job.name}: ${executor}${job.image === undefined ? "" : ` ${job.image.name}`}`,
    ...(job.needs === undefined ? [] : [
      job.needs.length === 0 ? "at once" : `after ${job.needs.map((need) => need.job).join(", ")}`,
    ]),
    ...(services.length === 0 ? [] : [`services ${services.join(", ")}`]),
    ...(own.length === 0 ? [] : [`variables ${[...new Set(own)].join(", ")}`]),
  ].join("; ");
}
