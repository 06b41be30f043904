/** What a pipeline asks of its server that one machine does not have: named once, never ignored. */

import type { CiConfig, CiJob, CiRule } from "./ci_config.ts";
import type { CiWarning } from "./place.ts";

export function workflowLimits({ workflow }: CiConfig): readonly CiWarning[] {
  const rules = workflow.rules ?? [];
  const cancels = workflow.autoCancel !== undefined ||
    rules.some(({ autoCancel }) => autoCancel !== undefined);
  return [
    ...(cancels
      ? [{
        message: "workflow:auto_cancel is not done here: no other pipeline is running",
        place: undefined,
        keyword: "workflow:auto_cancel",
        job: undefined,
      }]
      : []),
    ...rules.flatMap((rule) => ruleLimits(rule, "workflow", undefined)),
  ];
}

export function jobLimits({ jobs }: CiConfig): readonly CiWarning[] {
  return [...jobs.values()].flatMap((job) => [
    ...needLimits(job),
    ...(job.rules ?? []).flatMap((rule) => ruleLimits(rule, `jobs:${job.name}`, job.name)),
    ...clusterLimits(job),
  ]);
}

function needLimits(job: CiJob): CiWarning[] {
  return (job.needs ?? []).flatMap(({ elsewhere, place, job: needed }) => {
    if (elsewhere === undefined) return [];
    const where = elsewhere.project ?? elsewhere.pipeline ?? "another pipeline";
    const what = needed === "" ? "the pipeline" : `"${needed}"`;
    return [{
      message: `${job.name} needs ${what} of ${where}, which is not to be had here: ` +
        "it starts without it",
      place,
      keyword: `jobs:${job.name}:needs:${elsewhere.project === undefined ? "pipeline" : "project"}`,
      job: job.name,
    }];
  });
}

function ruleLimits(
  { exists, autoCancel, place }: CiRule,
  owner: string,
  job: string | undefined,
): CiWarning[] {
  const warnings: CiWarning[] = [];
  if (exists?.project !== undefined) {
    warnings.push({
      message: `The files of ${exists.project} cannot be seen here: this rule never fits`,
      place,
      keyword: `${owner}:rules:exists:project`,
      job,
    });
  }
  if (autoCancel !== undefined && job !== undefined) {
    warnings.push({
      message: "auto_cancel is not done here: no other pipeline is running",
      place,
      keyword: `${owner}:rules:auto_cancel`,
      job,
    });
  }
  return warnings;
}

function clusterLimits({ name, place, only, except }: CiJob): CiWarning[] {
  const keywords = [
    ...(only?.kubernetes === undefined ? [] : ["only"]),
    ...(except?.kubernetes === undefined ? [] : ["except"]),
  ];
  return keywords.map((keyword) => ({
    message: `${keyword}:kubernetes asks for a cluster of the project: there is none here`,
    place,
    keyword: `jobs:${name}:${keyword}:kubernetes`,
    job: name,
  }));
}
