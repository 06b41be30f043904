/** The modes of `exec` that run nothing: `--list`, `--preview`, `--dry-run`, `--explain-vars`. */

import type { LocalPlan } from "../../local/local_plan.ts";
import type { Paint } from "../../local/views/paint.ts";
import { describeProblem } from "../../pipeline/place.ts";
import type { PipelineJob } from "../../pipeline/pipeline.ts";
import { ConfigurationError } from "../../errors.ts";
import type { FlagValues } from "../flag.ts";
import type { Program } from "../program.ts";

export interface LookOptions {
  readonly plan: LocalPlan;
  readonly executorFor: (job: PipelineJob) => string;
  readonly paint: Paint;
  readonly timeoutSeconds: number;
}

/** Whether the configuration is looked at, which may have nothing to run. */
export function isListing(flags: FlagValues): boolean {
  return flags.bool("list") || flags.bool("preview") || flags.has("explain-vars");
}

/** Whether nothing is run. */
export function isLooking(flags: FlagValues): boolean {
  return isListing(flags) || flags.bool("dry-run");
}

/** Prints what is asked for. False: nothing is, the pipeline is to be run. */
export async function look(
  flags: FlagValues,
  { stdout, stderr }: Program,
  { plan, executorFor, paint, timeoutSeconds }: LookOptions,
): Promise<boolean> {
  const job = flags.text("explain-vars");
  if (flags.bool("list")) {
    const { jobTable, listJobs } = await import("../../local/views/job_list.ts");
    const jobs = listJobs(plan);
    stdout.write(flags.bool("json") ? `${JSON.stringify({ jobs })}\n` : jobTable(jobs, paint));
    for (const warning of plan.config.lint) {
      stderr.write(`${paint("yellow", "warning")}: ${describeProblem(warning)}\n`);
    }
  } else if (flags.bool("preview")) {
    const { previewText } = await import("../../local/views/preview_text.ts");
    stdout.write(previewText(plan.config.preview));
  } else if (job !== undefined) {
    const { explainVariables } = await import("../../local/views/explain_variables.ts");
    const { exampleVariables } = await import("../../local/variables/job_variables.ts");
    const found = plan.pipeline.jobs.find(({ name, baseName }) => name === job || baseName === job);
    if (found === undefined) {
      throw new ConfigurationError(`No job of this pipeline is called "${job}"`);
    }
    stdout.write(explainVariables(exampleVariables(found, plan, timeoutSeconds), paint));
  } else if (flags.bool("dry-run")) {
    const { dryRunText } = await import("../../local/views/dry_run.ts");
    stdout.write(dryRunText(plan, executorFor, paint));
  } else return false;
  return true;
}
