/** Opens the durable trace of a job that is about to run. */

import { type FeatureFlags, resolveFeatureFlags } from "../config/feature_flags.ts";
import type { RunnerConfig } from "../config/schema.ts";
import { systemClock } from "../coordinator/clock.ts";
import type { JobHandle } from "../coordinator/coordinator.ts";
import type { SystemFailure } from "../errors.ts";
import type { ExecutorNote } from "../executor.ts";
import type { JobIdentity, JobResponse } from "../job/response.ts";
import { JobVariables } from "../job/variables.ts";
import type { FinalState } from "../job/result.ts";
import type { Logger } from "../log/logger.ts";
import type { RunnerLabels } from "../metrics/metrics.ts";
import { givenVariables } from "../run/job_variables.ts";
import { debuggingOf } from "../run/settings.ts";
import { openTrace } from "../trace/job_trace.ts";
import { tokenPrefixes } from "../trace/masker.ts";
import type { Outbox } from "../trace/outbox.ts";
import { JobRecord } from "../trace/record.ts";
import type { Delivery, JobTrace } from "../trace/trace.ts";
import { Secret } from "../util/secret.ts";
import { Semaphore } from "../util/semaphore.ts";

export interface JobTracesOptions {
  readonly stateDir: string;
  readonly logger: Logger;
  readonly outbox: Outbox;
}

export interface ComingJob {
  readonly job: JobIdentity;
  /** Undefined when the payload cannot be used. */
  readonly response: JobResponse | undefined;
  readonly runner: RunnerConfig;
  readonly labels: RunnerLabels;
}

export interface TraceRequest extends ComingJob {
  readonly handle: JobHandle;
  onCancel(): void;
  onAbort(why: string): void;
  onDiskFailure(failure: SystemFailure): void;
}

/** A job's trace with the record that outlives this process. */
export interface OpenedTrace {
  readonly trace: JobTrace;
  readonly flags: FeatureFlags;
  remember(note: ExecutorNote): void;
  finish(state: FinalState, options: { signal: AbortSignal }): Promise<Delivery>;
  /** The job has left nothing behind: its record goes, or waits in the outbox for its delivery. */
  forget(): void;
}

/** `output_limit` is in KiB. */
const KIB = 1024;

/** Large chunks of one coordinator's traces in memory at once; a slow one holds up no other. */
const LARGE_CHUNKS = 4;

export class JobTraces {
  readonly #options: JobTracesOptions;
  readonly #chunks = new Map<string, Semaphore>();

  constructor(options: JobTracesOptions) {
    this.#options = options;
  }

  /** Remembers a job that has come, before it is accepted. Throws SystemFailure when the disk is full. */
  record({ job, response, runner, labels }: ComingJob): JobRecord {
    return JobRecord.create(this.#options.stateDir, {
      coordinatorUrl: runner.url,
      jobId: job.id,
      jobToken: new Secret(job.token),
      runner: labels.runner,
      runnerName: runner.name,
      systemId: labels.system_id,
      tls: {
        caFile: runner["tls-ca-file"] || undefined,
        certificateFile: runner["tls-cert-file"] || undefined,
        keyFile: runner["tls-key-file"] || undefined,
      },
      acceptedFailureReasons: response?.features.failure_reasons ?? [],
      debugTrace: isDebugged(runner, response),
      timestamps: flagsOf(runner, response).flags.FF_TIMESTAMPS,
      executor: runner.executor,
    });
  }

  /** Opens the trace of an accepted job. Throws SystemFailure when the disk takes none. */
  open(record: JobRecord, request: TraceRequest): OpenedTrace {
    const { logger, outbox } = this.#options;
    const { job, response, runner } = request;
    const { flags, problems } = flagsOf(runner, response);
    const log = logger.with({ job: job.id, runner: request.labels.runner });
    for (const problem of problems) log.warning(problem);
    const trace = openTrace({
      ...request,
      record,
      limitBytes: runner.output_limit * KIB,
      sections: response?.features.trace_sections ?? false,
      masks: secretsOf(job, runner, response),
      tokenPrefixes: tokenPrefixes(response?.features.token_mask_prefixes ?? [], {
        all: flags.FF_MASK_ALL_DEFAULT_TOKENS,
      }),
      dynamicKeepAlive: flags.FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL,
      chunks: this.#chunksOf(runner.url),
      logger: log,
      clock: systemClock,
    });
    let delivery: Delivery | undefined;
    return {
      trace,
      flags,
      remember: (note) => record.note(note),
      finish: async (state, options) => delivery = await trace.finish(state, options),
      forget: () => {
        if (delivery?.kind === "kept") outbox.add(record);
        else record.remove();
      },
    };
  }

  #chunksOf(url: string): Semaphore {
    const chunks = this.#chunks.get(url) ?? new Semaphore(LARGE_CHUNKS);
    this.#chunks.set(url, chunks);
    return chunks;
  }
}

function flagsOf(runner: RunnerConfig, response: JobResponse | undefined) {
  return resolveFeatureFlags({
    config: runner.feature_flags,
    jobVariables: givenVariables(runner, response?.variables ?? []),
  });
}

/** GitLab restricts who may read a log that debugging may have put secrets into. */
function isDebugged(runner: RunnerConfig, response: JobResponse | undefined): boolean {
  const variables = new JobVariables(givenVariables(runner, response?.variables ?? []), "");
  const isDisabled = runner.debug_trace_disabled;
  const { debugTrace, debugServices } = debuggingOf(variables, { isDisabled });
  return debugTrace || debugServices;
}

/** Everything secret that is known before the job's variables are put together. */
function secretsOf(
  job: JobIdentity,
  runner: RunnerConfig,
  response: JobResponse | undefined,
): readonly string[] {
  return [
    job.token,
    basicAuth("gitlab-ci-token", job.token),
    runner.token.reveal(),
    ...(response?.credentials ?? []).flatMap(({ username, password }) =>
      password === "" ? [] : [password, basicAuth(username, password)]
    ),
    ...(response?.dependencies ?? []).map(({ token }) => token),
    ...(response?.variables ?? []).filter(({ masked }) => masked).map(({ value }) => value),
  ].filter((value) => value !== "");
}

/** As HTTP clients send it and Docker's `config.json` keeps it. */
function basicAuth(user: string, password: string): string {
  return Buffer.from(`${user}:${password}`).toString("base64");
}
