/** How long what a job started may take to end by itself, by why it has to end. */

import { ProcessShutdown } from "./abort.ts";

/** Reason of an executor that is being disposed of: nobody waits for the job's processes any more. */
export class ExecutorDisposed extends Error {
  override readonly name = "ExecutorDisposed";
  constructor() {
    super("the executor was disposed of");
  }
}

/** A forced shutdown still has to report the job within `shutdown_timeout`. */
const FORCED_GRACE_MS = 5000;

/** Milliseconds between asking processes to end and killing them; `usualMs` for most reasons. */
export function graceFor(reason: unknown, usualMs: number): number {
  if (reason instanceof ExecutorDisposed) return 0;
  const forced = reason instanceof ProcessShutdown && reason.forced;
  return forced ? Math.min(usualMs, FORCED_GRACE_MS) : usualMs;
}
