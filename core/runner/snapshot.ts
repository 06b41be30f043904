/** What the manager is doing at this moment, for metrics and the debug endpoints. */

import type { GlobalConfig } from "../config/schema.ts";
import type { ManagerSnapshot, ProcessState } from "../metrics/snapshot.ts";
import type { ActiveJob } from "./active_jobs.ts";
import type { RunnerWorker } from "./worker.ts";

/** A job's state in GitLab Runner's words, and the stage that an executor without its own is in then. */
const JOB_STATES = {
  pending: { state: "pending", executorStage: "created" },
  running: { state: "running", executorStage: "prepare" },
  finishing: { state: "finished", executorStage: "finish" },
} as const;

export function takeSnapshot(of: {
  config: GlobalConfig;
  state: ProcessState;
  workers: readonly RunnerWorker[];
  jobs: readonly ActiveJob[];
}): ManagerSnapshot {
  const now = performance.now();
  return {
    concurrent: of.config.concurrent,
    workerSlots: of.config.concurrent,
    processState: of.state,
    runners: of.workers.map(({ parts, requestLimit, openRequests }) => ({
      labels: parts.labels,
      limit: parts.runner.limit,
      requestConcurrency: {
        running: openRequests,
        hardLimit: parts.requests.requestConcurrency,
        adaptiveLimit: requestLimit.live,
        usedLimit: requestLimit.most(parts.requests),
      },
    })),
    jobs: of.jobs.map((job) => ({
      labels: job.labels,
      url: job.url,
      stage: job.stage,
      ...stateOf(job),
      durationMs: now - job.startedAt,
    })),
  };
}

function stateOf(job: ActiveJob) {
  const { state, executorStage } = JOB_STATES[job.state];
  const own = job.state === "running" ? job.activity() : undefined;
  return { state, executorStage: own ?? executorStage };
}
