/** Ties the jobs of a pipeline together: what each waits for, and whose artifacts it gets. */

import type { IncludedJob } from "./compose_job.ts";
import { CIRCLE } from "./check_jobs.ts";
import type { JobIndex } from "./job_index.ts";
import { orderByNeeds } from "./need_order.ts";
import { instanceNames, namedNeeds } from "./needs.ts";
import type { PipelineJob, PipelineNeed } from "./pipeline.ts";
import type { CiProblem, CiWarning } from "./place.ts";

/** GitLab's limit where its administrators set no other, all instances of a parallel job counted. */
const MOST_NEEDS = 50;

export type JobLinks = Pick<PipelineJob, "needs" | "artifactsFrom">;

export interface Links {
  readonly problems: readonly CiProblem[];
  readonly warnings: readonly CiWarning[];
  of(job: IncludedJob): JobLinks;
}

/** `included` in the order of stages. Without problems, every job has its links. */
export function linkJobs(included: readonly IncludedJob[], index: JobIndex): Links {
  const names = new Set(included.map(({ indexed }) => indexed.instance.name));
  const earlier = earlierJobs(included);
  const problems: CiProblem[] = [];
  const links = new Map<IncludedJob, JobLinks>();
  for (const one of included) {
    const found = needsOf(one, index, names);
    if (found.problems.length > 0) problems.push(...found.problems);
    const artifactsFrom = artifactSources(one, found.needs, index, earlier);
    links.set(one, { needs: found.needs, artifactsFrom });
  }
  if (problems.length === 0) problems.push(...circle(included, links));
  const warnings = included.flatMap((one) => manyNeeds(one, links.get(one)!));
  return { problems, warnings, of: (job) => links.get(job)! };
}

function needsOf(
  { indexed: { instance }, decision }: IncludedJob,
  index: JobIndex,
  names: ReadonlySet<string>,
): { readonly needs: readonly PipelineNeed[] | undefined; readonly problems: CiProblem[] } {
  if (decision.needs === undefined) return { needs: undefined, problems: [] };
  const named = namedNeeds(decision.needs, instance, index);
  const there = named.filter(({ name }) => names.has(name));
  const missing = named.filter(({ name, need }) => !names.has(name) && !need.optional);
  return {
    needs: there.map(({ name, need }) => ({ job: name, artifacts: need.artifacts })),
    problems: missing.map(({ name, need }) => ({
      message: `'${instance.name}' job needs '${name}' job, but '${name}' does not exist in the ` +
        "pipeline. This might be because of the only, except, or rules keywords. " +
        "To need a job that sometimes does not exist in the pipeline, use needs:optional.",
      place: need.place,
    })),
  };
}

/** A server may have a limit of its own, so that this cannot refuse the pipeline. */
function manyNeeds({ indexed: { job, instance } }: IncludedJob, { needs }: JobLinks): CiWarning[] {
  if (needs === undefined || needs.length <= MOST_NEEDS) return [];
  const message =
    `${instance.name}: one job can only need ${MOST_NEEDS} others, unless the server ` +
    `has another limit, but you have listed ${needs.length}`;
  return [{ message, place: job.place, keyword: `jobs:${job.name}:needs`, job: instance.name }];
}

/** Of those needed, or else of all earlier stages; `dependencies` picks from them. */
function artifactSources(
  { indexed }: IncludedJob,
  needs: readonly PipelineNeed[] | undefined,
  index: JobIndex,
  earlier: ReadonlyMap<number, readonly string[]>,
): readonly string[] {
  const sources = needs === undefined
    ? earlier.get(indexed.stageAt) ?? []
    : needs.filter(({ artifacts }) => artifacts).map(({ job }) => job);
  const { dependencies } = indexed.job;
  if (dependencies === undefined) return sources;
  const wanted = new Set(dependencies.flatMap((name) => instanceNames(name, index)));
  return sources.filter((name) => wanted.has(name));
}

/** By stage, the names of all jobs of the stages before it; jobs of one stage share the list. */
function earlierJobs(included: readonly IncludedJob[]): ReadonlyMap<number, readonly string[]> {
  const earlier = new Map<number, readonly string[]>();
  for (const [at, { indexed }] of included.entries()) {
    if (earlier.has(indexed.stageAt)) continue;
    earlier.set(
      indexed.stageAt,
      included.slice(0, at).map((one) => one.indexed.instance.name),
    );
  }
  return earlier;
}

/** Needs that rules give can make a circle that the configuration alone does not have. */
function circle(
  included: readonly IncludedJob[],
  links: ReadonlyMap<IncludedJob, JobLinks>,
): CiProblem[] {
  const byName = new Map(included.map((one) => [one.indexed.instance.name, one]));
  const { stuck } = orderByNeeds(
    included,
    (one) => (links.get(one)?.needs ?? []).flatMap(({ job }) => byName.get(job) ?? []),
  );
  return stuck === undefined ? [] : [{ message: CIRCLE, place: stuck.indexed.job.place }];
}
