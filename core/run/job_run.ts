/** What a job is run with. */

import type { RunnerConfig } from "../config/schema.ts";
import type { FeatureFlags } from "../config/feature_flags.ts";
import type { Executor, ExecutorNote } from "../executor.ts";
import type { JobSpec } from "../job/spec.ts";
import type { Registry } from "../registry.ts";
import type { Shell } from "../shell.ts";
import type { JobTrace } from "../trace/trace.ts";
import type { OnFailedJob } from "./failed_job.ts";

/** Everything one job needs; nothing of it is changed. */
export interface JobRun {
  readonly spec: JobSpec;
  readonly runner: RunnerConfig;
  readonly systemId: string;
  readonly flags: FeatureFlags;
  readonly executorName: string;
  /** Other jobs use the same environment (`CI_SHARED_ENVIRONMENT`). */
  readonly sharedEnvironment: boolean;
  readonly executor: Executor;
  readonly shells: Registry<Shell>;
  readonly trace: JobTrace;
  readonly correlationId: string;
  readonly startedAt: Date;
  readonly remember: (note: ExecutorNote) => void;
  /** Called with the name of each stage as it starts. */
  readonly onStage: (name: string) => void;
  readonly onFailed?: OnFailedJob | undefined;
}

export interface JobSignals {
  /** GitLab asks to cancel: only the user's script stops, once it runs. */
  readonly script: AbortSignal;
  /** Everything stops. */
  readonly job: AbortSignal;
}

/** A run and its signals, from narrow to wide. */
export interface JobLine {
  readonly run: JobRun;
  readonly script: AbortSignal;
  /** Before the user's commands start, a cancel ends the whole job. */
  readonly early: AbortSignal;
  readonly limit: AbortSignal;
  /** `performance.now()` at which the job's limit is met. */
  readonly endsAt: number;
}
