/** What the manager is doing, as log lines: for whoever sends SIGUSR1 to one that seems stuck. */

import type { Logger } from "../log/logger.ts";
import type { ManagerSnapshot } from "../metrics/snapshot.ts";
import { formatDuration } from "../util/units.ts";

/** GitLab Runner prints the stacks of its threads; this process has one, and it is in here. */
export function logState(snapshot: ManagerSnapshot, logger: Logger): void {
  const { processState, concurrent, runners, jobs } = snapshot;
  logger.info("State of this process", {
    state: processState,
    concurrent,
    jobs: jobs.length,
    memory_bytes: process.memoryUsage.rss(),
    uptime: formatDuration(process.uptime() * 1000),
  });
  for (const { labels, limit, requestConcurrency } of runners) {
    const { running, usedLimit } = requestConcurrency;
    logger.info("Runner entry", { ...labels, limit, requests: running, request_limit: usedLimit });
  }
  for (const { labels, url, state, stage, executorStage, durationMs } of jobs) {
    const duration = formatDuration(durationMs);
    logger.info("Job in hand", {
      ...labels,
      url,
      state,
      stage,
      executor_stage: executorStage,
      duration,
    });
  }
}
