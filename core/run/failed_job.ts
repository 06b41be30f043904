/** A job that has failed while everything of it is still in its place. */

import type { JobSpec } from "../job/spec.ts";
import type { JobPaths } from "./paths.ts";

export interface FailedJob {
  readonly spec: JobSpec;
  /** In the job's environment. */
  readonly paths: JobPaths;
}

/**
 * Called before a failed job's files are removed; the job is reported after it. What it throws is a
 * warning in the job's log.
 */
export type OnFailedJob = (failed: FailedJob) => Promise<void> | void;
