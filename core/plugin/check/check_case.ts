/** One check, and the parts that most are made of. */

import type { ExitStatus } from "../../executor.ts";
import { type CheckBench, type CheckJob, openJob } from "./bench.ts";

export interface CheckCase {
  /** A sentence that holds when the check passes. */
  readonly name: string;
  /** Only for plugins that announce it. */
  readonly needs?: "terminal" | "files";
  /** Throws when it does not. */
  run(bench: CheckBench): Promise<void>;
}

/** A check of one prepared job. */
export function onJob(name: string, check: (job: CheckJob) => Promise<void>): CheckCase {
  return {
    name,
    async run(bench) {
      await using job = await openJob(bench);
      await check(job);
    },
  };
}

/** How a script ended, without what it used. */
export function endOf({ usage: _usage, ...end }: ExitStatus): unknown {
  return end;
}
