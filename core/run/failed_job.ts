/** A job that has failed while everything of it is still in its place. */

import type { Executor, KeptEnvironment, StageCommand } from "../executor.ts";
import type { JobSpec } from "../job/spec.ts";
import type { JobPaths } from "./paths.ts";

export interface FailedJob {
  readonly spec: JobSpec;
  /** In the job's environment. */
  readonly paths: JobPaths;
  /** As the job's log says it. */
  readonly why: string;
  /** Bytes of its trace so far. */
  readonly traceBytes: number;
  /**
   * An interactive shell as the job's commands have it; it takes the terminal that it is started on.
   * `terminalType` is the `TERM` of that.
   */
  shell(terminalType: string): StageCommand;
  /** Runs that shell where the job ran. Undefined: that is this host. */
  readonly openTerminal: Executor["openTerminal"];
  /** Has what the job ran in stay when it is over. Undefined: that is this host. */
  readonly keep: (() => KeptEnvironment | undefined) | undefined;
}

/**
 * Called before a failed job's files are removed; the job is reported after it. What it throws is a
 * warning in the job's log.
 */
export type OnFailedJob = (failed: FailedJob) => Promise<void> | void;
