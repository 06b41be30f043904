/** Jobs that cannot be run on one machine. */

import type { CiJob } from "./ci_config.ts";
import { mirrorsPipeline } from "./keywords/needs.ts";

/** Why a job is skipped wherever it is asked for; undefined: it can be run. */
export function whyUnsupported({ trigger, run, needs }: CiJob): string | undefined {
  const mirrored = needs?.find(mirrorsPipeline)?.elsewhere?.pipeline;
  if (mirrored !== undefined) {
    return `has the state of the pipeline of ${mirrored}, which is not to be had here`;
  }
  if (trigger?.project !== undefined) {
    return `starts a pipeline of ${trigger.project}, which is not to be had here`;
  }
  if (run !== undefined) return "is made of steps (run), which are not built yet";
  return undefined;
}
