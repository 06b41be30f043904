/** The jobs that take part in a run, in an order in which each comes behind all that it waits for. */

import type { Pipeline, PipelineJob } from "./pipeline.ts";
import type { Selection } from "./select.ts";

export interface OrderedJob {
  readonly job: PipelineJob;
  readonly stageAt: number;
  /** Full names of the jobs of the run that it needs; undefined: it waits for the earlier stages. */
  readonly needs: readonly string[] | undefined;
  /** A manual job that nobody asked for: it is not run, and may be in the way of others. */
  readonly isLeft: boolean;
}

/** Jobs that were not asked for are no part of the run: nothing waits for them. */
export function orderJobs(pipeline: Pipeline, selection: Selection): readonly OrderedJob[] {
  const running = new Set(selection.run.map(({ name }) => name));
  const left = new Set(
    selection.skipped.filter(({ reason }) => reason === "manual").map(({ name }) => name),
  );
  const stageAt = new Map(pipeline.stages.map((stage, at) => [stage, at]));
  const taking = new Map<string, OrderedJob>();
  for (const job of pipeline.jobs) {
    if (!running.has(job.name) && !left.has(job.name)) continue;
    taking.set(job.name, {
      job,
      stageAt: stageAt.get(job.stage)!,
      needs: job.needs?.map((need) => need.job)
        .filter((name) => running.has(name) || left.has(name)),
      isLeft: left.has(job.name),
    });
  }
  return behindNeeds([...taking.values()].toSorted((a, b) => a.stageAt - b.stageAt), taking);
}

function behindNeeds(
  jobs: readonly OrderedJob[],
  byName: ReadonlyMap<string, OrderedJob>,
): readonly OrderedJob[] {
  const ordered = new Set<OrderedJob>();
  const visit = (one: OrderedJob): void => {
    if (ordered.has(one)) return;
    // Needs are never in later stages, so that going to them first keeps the stages in order.
    for (const name of one.needs ?? []) visit(byName.get(name)!);
    ordered.add(one);
  };
  for (const one of jobs) visit(one);
  return [...ordered];
}
