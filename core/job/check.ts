/** What a job may not ask of this runner, found before anything of it runs. */

import type { FailureReason } from "../errors.ts";
import { ExecutorOptions } from "./executor_options.ts";
import type { JobImage, JobResponse } from "./response.ts";

/** Why a job is refused. It is accepted all the same, then reported as failed. */
export interface Refusal {
  readonly message: string;
  readonly reason: FailureReason;
  readonly exitCode?: number;
}

/** GitLab Runner's exit code for options it does not know (protocol section 5.5). */
const UNSUPPORTED_OPTIONS_EXIT_CODE = 3;

/** Undefined: the job can be run. */
export function checkJob(job: JobResponse): Refusal | undefined {
  const images: readonly (readonly [string, JobImage])[] = [
    ...(job.image ? [["image", job.image] as const] : []),
    ...job.services.map((service) => [`service "${service.name}"`, service] as const),
  ];
  const problems = images.flatMap(([place, image]) => optionProblems(place, image));
  if (problems.length > 0) {
    return {
      message: `unsupported executor options: ${problems.join("; ")}`,
      reason: "runner_system_failure",
      exitCode: UNSUPPORTED_OPTIONS_EXIT_CODE,
    };
  }
  if (job.run) {
    return {
      message: 'the "run" keyword is not supported by this runner: use "script"',
      reason: "runner_configuration_error",
    };
  }
  const secrets = Object.keys(job.secrets ?? {});
  if (secrets.length > 0) {
    return {
      message: `external secrets are not supported by this runner (${secrets.join(", ")})`,
      reason: "runner_configuration_error",
    };
  }
  return undefined;
}

function optionProblems(place: string, image: JobImage): readonly string[] {
  const { executor_opts: given } = image;
  if (given === null || given === undefined) return [];
  const parsed = ExecutorOptions.safeParse(given);
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => {
    const path = ["executor_opts", ...issue.path].join(".");
    return `${place}: ${path}: ${issue.message}`;
  });
}
