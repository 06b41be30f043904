/**
 * What a configuration asks of its server that one machine does not have. Each keyword is named once,
 * with the jobs that have it: none is ignored in silence.
 */

import type { CiConfig, CiJob } from "./ci_config.ts";
import type { CiWarning, Place } from "./place.ts";

interface NoEffect {
  readonly keyword: string;
  readonly message: string;
  isUsed(job: CiJob): boolean;
}

/** Keywords of jobs that run all the same. */
const NO_EFFECT: readonly NoEffect[] = [
  {
    keyword: "tags",
    message: "tags choose no runner here: all jobs run on this machine",
    isUsed: ({ tags }) => tags.length > 0,
  },
  {
    keyword: "interruptible",
    message: "interruptible cancels nothing here: no newer pipeline is running",
    isUsed: ({ interruptible }) => interruptible,
  },
  {
    keyword: "environment",
    message:
      "environment sets variables here, but no deployment is recorded, and nothing is stopped",
    isUsed: ({ environment }) => environment !== undefined,
  },
  {
    keyword: "manual_confirmation",
    message: "manual_confirmation asks nobody here: --manual is the answer",
    isUsed: ({ manualConfirmation }) => manualConfirmation !== undefined,
  },
  {
    keyword: "release",
    message: "release makes no release here",
    isUsed: ({ release }) => release !== undefined,
  },
  {
    keyword: "pages",
    message: "pages publishes nothing here: what the job makes stays among its artifacts",
    isUsed: ({ pages }) => pages !== undefined && pages !== false,
  },
  {
    keyword: "artifacts:expose_as",
    message: "artifacts:expose_as shows nothing here: there is no merge request",
    isUsed: ({ artifacts }) => artifacts?.exposeAs !== undefined,
  },
  {
    keyword: "artifacts:access",
    message: "artifacts:access keeps nobody out here: artifacts are files of this machine",
    isUsed: ({ artifacts }) => artifacts?.access !== undefined,
  },
  {
    keyword: "cache:unprotect",
    message: "cache:unprotect changes nothing here: no branch is protected",
    isUsed: ({ cache }) => cache.some(({ unprotect }) => unprotect),
  },
];

export function workflowLimits({ workflow }: CiConfig): readonly CiWarning[] {
  const rules = workflow.rules ?? [];
  const set = [workflow, ...rules].flatMap(({ autoCancel }) =>
    autoCancel === undefined ? [] : [autoCancel]
  );
  if (!set.some((one) => one["on_new_commit"] !== undefined)) return [];
  const onNewCommit = "workflow:auto_cancel:on_new_commit";
  const message = `${onNewCommit} is not done here: no other pipeline is running`;
  return [warning(message, undefined, onNewCommit)];
}

/** Of all jobs: what leaves a job out has to be named as well. */
export function conditionLimits({ jobs }: CiConfig): readonly CiWarning[] {
  return [...jobs.values()].flatMap(clusterLimits);
}

/** Of the jobs that are run. */
export function jobLimits(jobs: ReadonlySet<CiJob>): readonly CiWarning[] {
  return NO_EFFECT.flatMap(({ keyword, message, isUsed }) => {
    const [first, ...more] = [...jobs].filter(isUsed);
    if (first === undefined) return [];
    const names = more.length === 0 ? first.name : `${first.name} and ${more.length} more`;
    return [warning(`${message} (${names})`, first.place, keyword)];
  });
}

/** Of a job in a pipeline without a parent: only its children would be there to need something of. */
export function needLimits({ name, needs = [] }: CiJob): readonly CiWarning[] {
  return needs.flatMap(({ elsewhere, place, job: needed }) => {
    if (elsewhere?.pipeline === undefined || needed === "") return [];
    const message = `${name} needs "${needed}" of ${elsewhere.pipeline}, which is not to be had ` +
      "here: it starts without it";
    return [warning(message, place, `jobs:${name}:needs:pipeline`, name)];
  });
}

function clusterLimits({ name, place, only, except }: CiJob): CiWarning[] {
  const keywords = [
    ...(only?.kubernetes === undefined ? [] : ["only"]),
    ...(except?.kubernetes === undefined ? [] : ["except"]),
  ];
  return keywords.map((keyword) =>
    warning(
      `${keyword}:kubernetes asks for a cluster of the project: there is none here`,
      place,
      `jobs:${name}:${keyword}:kubernetes`,
      name,
    )
  );
}

function warning(
  message: string,
  place: Place | undefined,
  keyword: string,
  job?: string,
): CiWarning {
  return { message, place, keyword, job };
}
