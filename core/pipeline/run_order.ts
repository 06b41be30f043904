/** The jobs that take part in a run, in an order in which each comes behind all that it waits for. */

import { orderByNeeds } from "./need_order.ts";
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
  const all = [...taking.values()];
  // Needs are never in later stages, so that each stage can be ordered by itself.
  return pipeline.stages.flatMap((_, at) =>
    orderByNeeds(
      all.filter((one) => one.stageAt === at),
      ({ needs = [] }) => needs.flatMap((name) => taking.get(name) ?? []),
    ).ordered
  );
}
