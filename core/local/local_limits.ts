/** Jobs that cannot be run on one machine: they are left out, and said why. */

import type { PipelineJob } from "../pipeline/pipeline.ts";
import { type Selection, skip } from "../pipeline/select.ts";

/** The selection without them; whatever waits for one of them goes on as if it was not there. */
export function withoutUnsupported(selection: Selection): Selection {
  const reasons = new Map(selection.run.flatMap((job) => {
    const why = whyUnsupported(job);
    return why === undefined ? [] : [[job, why] as const];
  }));
  return {
    run: selection.run.filter((job) => !reasons.has(job)),
    skipped: [
      ...selection.skipped,
      ...[...reasons].map(([job, why]) => skip(job, "unsupported", why)),
    ],
  };
}

function whyUnsupported({ config }: PipelineJob): string | undefined {
  if (config.trigger?.project !== undefined) {
    return `starts a pipeline of ${config.trigger.project}, which is not on this machine`;
  }
  if (config.trigger !== undefined) return "child pipelines are not run by this build";
  if (config.run !== undefined) return '"run" is not supported: use "script"';
  return undefined;
}
