/** What a crashed manager left behind: processes are ended, jobs are answered for. */

import type { RunnerConfig } from "../config/schema.ts";
import type { JobHandle } from "../coordinator/coordinator.ts";
import { messageOf } from "../errors.ts";
import type { ExecutorHost, ExecutorProvider } from "../executor.ts";
import { finalState } from "../job/result.ts";
import type { Logger } from "../log/logger.ts";
import type { Registry } from "../registry.ts";
import { type Outbox, recover } from "../trace/outbox.ts";
import { JobRecord } from "../trace/record.ts";
import { shortToken } from "../util/token.ts";
import { ACCEPTANCE_WINDOW_MS, acceptJob } from "./accept.ts";

export interface RecoveryOptions {
  readonly host: ExecutorHost;
  readonly executors: Registry<ExecutorProvider>;
  /** The entries of the present configuration. */
  readonly runners: readonly RunnerConfig[];
  readonly outbox: Outbox;
  readonly handleFor: (record: JobRecord) => JobHandle;
  readonly signal: AbortSignal;
}

/** Last line of the trace of a job whose manager died, behind `Job failed (system failure): `. */
const WHY = "the runner was restarted while the job ran";

/**
 * Goes through the records of an earlier process, before any job is asked for: nothing of them may
 * still run when a new job gets their directories. Telling the coordinator goes on afterwards.
 * Problems are logged, and the rest goes on.
 */
export async function recoverJobs(options: RecoveryOptions): Promise<void> {
  const { stateDir, logger } = options.host;
  const { records, damaged } = JobRecord.list(stateDir);
  for (const { path, reason } of damaged) {
    logger.error("Cannot read what an earlier run left of a job", { path, error: reason });
  }
  await Promise.all(records.map((record) => recoverJob(record, options)));
  await Promise.all(options.executors.all.map(async (provider) => {
    try {
      await provider.endOrphans?.(options.host);
    } catch (error) {
      const { name: executor } = provider;
      logger.error("Cannot end what an earlier run left", { executor, error: messageOf(error) });
    }
  }));
}

async function recoverJob(record: JobRecord, options: RecoveryOptions): Promise<void> {
  const { host, executors, runners, signal } = options;
  const { jobId, executor, runner, runnerName, coordinatorUrl } = record.facts;
  const logger = host.logger.with({ job: jobId, runner });
  try {
    if (record.executorNote !== undefined) {
      const config = runners.find((entry) =>
        entry.url === coordinatorUrl && entry.name === runnerName &&
        shortToken(entry.token.reveal()) === runner
      );
      await executors.find(executor)?.reap?.(record.executorNote, { host, config, signal });
    }
  } catch (error) {
    logger.error("Cannot end what an earlier run left of a job", { error: messageOf(error) });
    return;
  }
  answerFor(record, options, logger).catch((error) => {
    if (!signal.aborted) logger.error("Cannot recover a job", { error: messageOf(error) });
  });
}

async function answerFor(
  record: JobRecord,
  options: RecoveryOptions,
  logger: Logger,
): Promise<void> {
  if (!record.isAccepted && !(await isStillOurs(record, options))) {
    logger.warning("An earlier run of this runner died before it had accepted the job");
    record.remove();
    return;
  }
  if (record.finalState === undefined) {
    const result = { kind: "failed", reason: "runner_system_failure", message: WHY } as const;
    const state = finalState(result, record.facts.acceptedFailureReasons);
    await recover(record, `Job failed (system failure): ${WHY}`, state);
    logger.warning("An earlier run of this runner died with the job; it is reported as failed");
  } else logger.info("Delivering the result that an earlier run of this runner could not");
  options.outbox.add(record);
}

/**
 * Whether a job that was handed out, but not seen to be confirmed, can be spoken for. Until GitLab
 * gives it to somebody else, confirming it now tells; after that, nothing may be said.
 */
async function isStillOurs(record: JobRecord, options: RecoveryOptions): Promise<boolean> {
  const windowMs = record.startedAt.getTime() + ACCEPTANCE_WINDOW_MS - Date.now();
  if (windowMs <= 0) return false;
  const { signal } = options;
  const acceptance = await acceptJob(options.handleFor(record), { windowMs, signal });
  if (acceptance.kind === "dropped") return false;
  record.accept();
  return true;
}
