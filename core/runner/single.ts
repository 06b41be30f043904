/** `runner run-single`: one runner entry, one job at a time, until enough is done. */

import { configOf } from "../config/entry.ts";
import type { RunnerConfig } from "../config/schema.ts";
import { noMetrics } from "../metrics/no_metrics.ts";
import { connectRunner } from "./connect.ts";
import { type EngineOptions, RunnerEngine } from "./engine.ts";
import { ownMemory } from "./memory_care.ts";
import { type ProcessSignals, Shutdown } from "./shutdown.ts";
import { logState } from "./state_dump.ts";
import { openStateDir } from "./state_dir.ts";

export interface SingleOptions
  extends
    Omit<EngineOptions, "connect" | "memory" | "stateDir" | "metrics" | "onJobStart" | "onJobEnd"> {
  readonly runner: RunnerConfig;
  /** Ends after this many jobs; 0 means never. */
  readonly maxBuilds: number;
  /** Ends after this long without a job, in milliseconds; 0 means never. */
  readonly waitTimeoutMs: number;
  readonly signals: ProcessSignals;
}

/** Resolves with the process's exit code: 1 when the runner cannot be used at all. */
export async function runSingle(options: SingleOptions): Promise<number> {
  const { logger, runner, maxBuilds, waitTimeoutMs } = options;
  const ended = Promise.withResolvers<number>();
  const config = configOf([runner], 1);
  let jobs = 0;
  let idle: ReturnType<typeof setTimeout> | undefined;
  const waitForJob = () => {
    if (waitTimeoutMs <= 0) return;
    idle = setTimeout(() => shutdown.graceful("Stopping: no job came in time"), waitTimeoutMs);
  };
  using state = openStateDir(options.configPath);
  if (state.warning !== undefined) logger.warning(state.warning);
  const engine = new RunnerEngine({
    ...options,
    metrics: noMetrics,
    stateDir: state.path,
    connect: connectRunner,
    memory: ownMemory,
    onJobStart: () => {
      clearTimeout(idle);
      jobs++;
      if (jobs === maxBuilds) shutdown.graceful("Stopping: this is the last job");
    },
    onJobEnd: waitForJob,
  });
  using shutdown = new Shutdown(options.signals, {
    logger,
    engine,
    executors: options.executors,
    timeoutSeconds: () => config.shutdown_timeout,
    onEnd: ended.resolve,
  });
  const unlisten = options.signals.on(
    "SIGUSR1",
    () => logState(engine.snapshot(config, shutdown.state), logger),
  );
  await engine.recover(config);
  engine.apply(config);
  const isUsable = engine.snapshot(config, shutdown.state).runners.length > 0;
  if (isUsable) waitForJob();
  else shutdown.graceful("Stopping: there is no other runner");
  const code = await ended.promise;
  unlisten();
  clearTimeout(idle);
  return isUsable ? code : 1;
}
