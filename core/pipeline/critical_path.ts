/** The chain of jobs that a run could not have been shorter than. */

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
  const ends = new Map<string, Chain>();
  const byStage = stages.map((stage) => jobs.filter((job) => job.stage === stage));
  let earlier = EMPTY;
  for (const stage of byStage) {
    const visit = (job: (typeof jobs)[number]): Chain => {
      const known = ends.get(job.name);
      if (known !== undefined) return known;
      const before = job.needs === undefined
        ? earlier
        : job.needs.map(({ job: name }) => ends.get(name) ?? visitNamed(name)).reduce(
          longer,
          EMPTY,
        );
      const duration = durationsMs.get(job.name);
      const chain = duration === undefined
        ? before
        : { name: job.name, before, endMs: before.endMs + duration };
      ends.set(job.name, chain);
      return chain;
    };
    const visitNamed = (name: string): Chain => {
      const job = stage.find((other) => other.name === name);
      return job === undefined ? EMPTY : visit(job);
    };
    earlier = stage.map(visit).reduce(longer, earlier);
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
