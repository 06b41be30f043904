/** Metrics of a process that nobody scrapes. */

import type { Metrics } from "./metrics.ts";

/** Drops everything; it keeps prom-client out of processes without a `listen_address`. */
export const noMetrics: Metrics = {
  apiRequest() {},
  apiRetry() {},
  jobStarted() {},
  queuedTooLong() {},
  jobFinished() {},
  stageFinished() {},
  inputsInterpolated() {},
  workerSlotsChanged() {},
  workerFed() {},
  workerFeedFailed() {},
  healthCheckFailed() {},
  requestConcurrencyExceeded() {},
  processingFailed() {},
  configuration() {},
  logged() {},
};
