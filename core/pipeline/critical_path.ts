/** The chain of jobs that a run could not have been shorter than. */

import { orderByNeeds } from "./need_order.ts";
import type { Pipeline } from "./pipeline.ts";

export interface CriticalPath {
  /** Full names, in the order in which they ran. */
  readonly jobs: readonly string[];
  readonly durationMs: number;
}

/** By how long each job took, its retries included; jobs without a duration did not run. */
export function criticalPath(
  { jobs, stages }: Pipeline,
  durationsMs: ReadonlyMap<string, number>,
): CriticalPath {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const ends = new Map<string, Chain>();
  let earlier = EMPTY;
  for (const stage of stages) {
    const { ordered } = orderByNeeds(
      jobs.filter((job) => job.stage === stage),
      ({ needs = [] }) => needs.flatMap(({ job }) => byName.get(job) ?? []),
    );
    const chains = ordered.map((job) => {
      const before = job.needs === undefined
        ? earlier
        : job.needs.map(({ job: name }) => ends.get(name) ?? EMPTY).reduce(longer, EMPTY);
      const duration = durationsMs.get(job.name);
      const chain = duration === undefined
        ? before
        : { name: job.name, before, endMs: before.endMs + duration };
      ends.set(job.name, chain);
      return chain;
    });
    earlier = chains.reduce(longer, earlier);
  }
  return { jobs: namesOf(earlier), durationMs: earlier.endMs };
}

/** A job with the longest way to it. */
interface Chain {
  readonly name: string | undefined;
  readonly before: Chain | undefined;
  readonly endMs: number;
}

const EMPTY: Chain = { name: undefined, before: undefined, endMs: 0 };

function longer(a: Chain, b: Chain): Chain {
  return b.endMs > a.endMs ? b : a;
}

function namesOf(chain: Chain): string[] {
  const names: string[] = [];
  for (let at: Chain | undefined = chain; at !== undefined; at = at.before) {
    if (at.name !== undefined) names.unshift(at.name);
  }
  return names;
}
