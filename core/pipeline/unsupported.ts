/** Jobs that cannot be run on one machine. */

import type { CiJob } from "./ci_config.ts";

/** Why a job is skipped wherever it is asked for; undefined: it can be run. */
export function whyUnsupported({ trigger, run }: CiJob): string | undefined {
  if (trigger?.project !== undefined) {
    return `starts a pipeline of ${trigger.project}, which is not to be had here`;
  }
  if (run !== undefined) return "is made of steps (run), which are not built yet";
  return undefined;
}
