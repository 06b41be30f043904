/** Checks what jobs say about each other, in GitLab's words; nothing here depends on an event. */

import type { CiJob, CiNeed } from "./ci_config.ts";
import type { IndexedJob, JobIndex } from "./job_index.ts";
import { orderByNeeds } from "./need_order.ts";
import { instanceNames, type NamedNeed, namedNeeds, unknownMatrixNames } from "./needs.ts";
import type { CiProblem, Place } from "./place.ts";

export const CIRCLE = "The pipeline has circular dependencies";

/** Longest name that GitLab stores of a needed job. */
const LONGEST_NEED = 255;

/** Everything that GitLab would refuse; of a job with instances, the problems of the first that has any. */
export function checkJobs(index: JobIndex): readonly CiProblem[] {
  const problems: CiProblem[] = [];
  const told = new Set<CiJob>();
  for (const indexed of index.all) {
    if (told.has(indexed.job)) continue;
    const found = [
      ...checkDependencies(indexed, index),
      ...checkNeeds(indexed, index),
      ...checkOnStop(indexed.job, index),
    ];
    if (found.length > 0) told.add(indexed.job);
    problems.push(...found);
  }
  return problems.length > 0 ? problems : checkCircles(index);
}

function checkDependencies({ job, instance, stageAt }: IndexedJob, index: JobIndex): CiProblem[] {
  const { dependencies, trigger } = job;
  const artifacts = (trigger?.include ?? []).flatMap((include) =>
    include.kind === "artifact" ? [include.job] : []
  );
  const names = [...dependencies ?? [], ...artifacts].flatMap((name) => instanceNames(name, index));
  const problems = names.flatMap((name) => problemOf("dependency", name, index, stageAt) ?? []);
  const unneeded = whyNotNeeded(job);
  return [
    ...problems.map((problem) => about(instance.name, problem, job.place)),
    ...(unneeded === undefined
      ? []
      : [{ message: `jobs:${job.name} ${unneeded}`.toLowerCase(), place: job.place }]),
  ];
}

/** Dependencies of a job with needs are some of these. */
function whyNotNeeded({ dependencies = [], needs = [] }: CiJob): string | undefined {
  if (dependencies.length === 0 || needs.length === 0) return undefined;
  const here = needs.filter(({ elsewhere }) => elsewhere === undefined).map(({ job }) => job);
  if (here.length === 0) {
    return "needs corresponding to dependencies must be from the same pipeline";
  }
  const missing = dependencies.filter((name) => !here.includes(name));
  return missing.length === 0
    ? undefined
    : `dependencies the ${missing.join(", ")} should be part of needs`;
}

/** Of the job itself and of its rules. */
function checkNeeds({ job, instance, stageAt }: IndexedJob, index: JobIndex): CiProblem[] {
  const lists = [job.needs, ...(job.rules ?? []).map((rule) => rule.needs)];
  return lists.flatMap((list = []) => [
    ...checkMatrixNames(list, { job, instance, stageAt }),
    ...checkList(namedNeeds(list, instance, index), { job, instance, stageAt }, index),
  ]);
}

function checkMatrixNames(list: readonly CiNeed[], { job, instance }: IndexedJob): CiProblem[] {
  return unknownMatrixNames(list, instance).map((name) =>
    about(job.name, `'${name}' does not exist in matrix configuration`, job.place)
  );
}

function checkList(
  needs: readonly NamedNeed[],
  { job, instance, stageAt }: IndexedJob,
  index: JobIndex,
): CiProblem[] {
  const problems = needs.flatMap(({ need, name }) => {
    if (need.optional && index.get(name) === undefined) return [];
    const problem = problemOf("need", name, index, stageAt);
    return problem === undefined ? [] : [about(instance.name, problem, need.place)];
  });
  const names = needs.map(({ name }) => name);
  const twice = [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
  if (twice.length > 0) {
    const message = `${instance.name} has the following needs duplicated: ${twice.join(", ")}.`;
    problems.push({ message, place: job.place });
  }
  return problems;
}

function problemOf(
  kind: "need" | "dependency",
  name: string,
  index: JobIndex,
  stageAt: number,
): string | undefined {
  const other = index.get(name);
  if (other === undefined) return `undefined ${kind}: ${name}`;
  if (kind === "need" && name.length > LONGEST_NEED) {
    return `need \`${name}\` name is too long (maximum is ${LONGEST_NEED} characters)`;
  }
  return other.stageAt <= stageAt
    ? undefined
    : `${kind} ${name} is not defined in current or prior stages`;
}

function checkOnStop({ name, place, environment }: CiJob, index: JobIndex): CiProblem[] {
  const onStop = environment?.onStop;
  if (environment === undefined || onStop === undefined) return [];
  const other = index.named(onStop)[0]?.job;
  const problem = other === undefined
    ? "is not defined"
    : other.environment === undefined
    ? "does not have environment defined"
    : other.environment.name !== environment.name
    ? "have different environment name"
    : other.environment.action !== "stop"
    ? "needs to have action stop defined"
    : undefined;
  return problem === undefined ? [] : [about(name, `on_stop job ${onStop} ${problem}`, place)];
}

/** A job that needs itself could never start either. */
function checkCircles(index: JobIndex): CiProblem[] {
  const { stuck } = orderByNeeds(
    index.all,
    ({ job, instance }) =>
      namedNeeds(job.needs ?? [], instance, index).flatMap(({ name }) => index.get(name) ?? []),
  );
  return stuck === undefined ? [] : [{ message: CIRCLE, place: stuck.job.place }];
}

function about(name: string, problem: string, place: Place): CiProblem {
  return { message: `${name} job: ${problem}`, place };
}
