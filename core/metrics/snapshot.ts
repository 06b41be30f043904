/** What the manager is doing at one moment; read when somebody asks, never kept up to date. */

import type { RunnerLabels } from "./metrics.ts";

/** How far the end of this process has come, in GitLab Runner's words. */
export type ProcessState = "in_service" | "graceful shutdown" | "forceful shutdown";

/** One job in the manager's hands. */
export interface JobState {
  readonly labels: RunnerLabels;
  /** The job's page at the coordinator. */
  readonly url: string;
  /** `pending`, `running`, `finished`, `success`, `failed`… as GitLab Runner names them. */
  readonly state: string;
  /** Build stage: `prepare_executor`, `step_script`… */
  readonly stage: string;
  /** The executor's own stage, such as `docker_run`; empty when it has none. */
  readonly executorStage: string;
  readonly durationMs: number;
}

/** One runner entry. */
export interface RunnerState {
  readonly labels: RunnerLabels;
  readonly limit: number;
  readonly requestConcurrency: {
    /** Requests for a job that are under way. */
    readonly running: number;
    /** The configured limit, the adaptive one, and the smaller of both that is in force. */
    readonly hardLimit: number;
    readonly adaptiveLimit: number;
    readonly usedLimit: number;
  };
}

export interface ManagerSnapshot {
  readonly concurrent: number;
  readonly workerSlots: number;
  readonly processState: ProcessState;
  readonly runners: readonly RunnerState[];
  readonly jobs: readonly JobState[];
}
