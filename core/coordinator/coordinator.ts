/**
 * Port: what a runner asks of GitLab. Every call answers with the outcomes that GitLab can give, as
 * values; the adapter retries inside, and `unreachable` is the outcome of a network that stays bad.
 */

import type { FinalState } from "../job/result.ts";
import type { JobIdentity, JobResponse } from "../job/response.ts";
import type { TlsMaterial } from "../job/spec.ts";
import type { Secret } from "../util/secret.ts";

/** `info.features`: exactly what works for this runner entry (protocol section 3.4). */
export type AnnouncedFeatures = Readonly<Record<string, boolean>>;

/** The `info` object of register, verify, job request and job update. */
export interface RunnerInfo {
  readonly name: string;
  readonly version: string;
  readonly revision: string;
  readonly platform: string;
  readonly architecture: string;
  readonly executor?: string;
  readonly shell?: string;
  readonly features: AnnouncedFeatures;
  readonly config?: { readonly gpus: string };
  readonly labels?: Readonly<Record<string, string>>;
}

/** Where a running job's web terminal can be reached. */
export interface SessionInfo {
  readonly url: string;
  readonly certificate: string;
  readonly authorization: string;
}

/** An answer that is none of the outcomes the caller plans for. */
export interface Rejected {
  readonly kind: "rejected";
  readonly status: number;
  /** GitLab's message, or the status line; fit for a log. */
  readonly message: string;
}

/** No usable answer: connection refused or cut, time-out, TLS failure, undecodable body. */
export interface Unreachable {
  readonly kind: "unreachable";
  readonly message: string;
}

/** 403: the token is not, or no longer, valid. */
export interface Forbidden {
  readonly kind: "forbidden";
  readonly message: string;
}

export interface JobRequest {
  readonly info: RunnerInfo;
  readonly session?: SessionInfo;
}

export type JobRequestOutcome =
  | {
    readonly kind: "job";
    readonly job: JobResponse;
    readonly tls: TlsMaterial;
    readonly correlationId: string;
  }
  /** A job was assigned, but its payload cannot be used; `problem` goes into its trace. */
  | { readonly kind: "unusable-job"; readonly job: JobIdentity; readonly problem: string }
  | { readonly kind: "no-job" }
  /** 409: lost a race for a job; ask again at the next turn. */
  | { readonly kind: "conflict" }
  | Forbidden
  | Rejected
  | Unreachable;

/** What every answer about a running job may carry besides its outcome. */
export interface JobAnswer {
  /** `Job-Status: canceling`. */
  readonly cancelRequested: boolean;
  /** `X-GitLab-Trace-Update-Interval`, at most 15 minutes; undefined when absent or senseless. */
  readonly updateIntervalMs: number | undefined;
}

/** The job is over for the coordinator, or is not ours: 403, or `Job-Status` canceled or failed. */
export interface JobOver {
  readonly kind: "job-over";
  readonly status: string | undefined;
}

export interface TraceChunk {
  /** Position of the first byte in the whole trace. */
  readonly offset: number;
  /** 1 byte to 1 MiB. */
  readonly bytes: Uint8Array;
  readonly debugTrace: boolean;
}

export type PatchOutcome =
  & (
    /** `stored` is the size the coordinator says it has; undefined when it did not say. */
    | { readonly kind: "accepted"; readonly stored: number | undefined }
    /** 416; `size` is what the coordinator has; undefined when it did not say. */
    | { readonly kind: "range-mismatch"; readonly size: number | undefined }
    | JobOver
    | { readonly kind: "job-not-found" }
    | Rejected
    | Unreachable
  )
  & JobAnswer;

/** CRC-32 (IEEE) and length of the trace so far. */
export interface TraceChecksum {
  readonly crc32: number;
  readonly size: number;
}

export type JobUpdate =
  | { readonly state: "running"; readonly trace?: TraceChecksum }
  | FinalState & { readonly trace: TraceChecksum };

export type UpdateOutcome =
  & (
    | { readonly kind: "accepted" }
    /** 202: the same update has to be sent again after the interval. */
    | { readonly kind: "pending" }
    /** 412: the coordinator's trace differs; send all of it again. */
    | { readonly kind: "trace-refused" }
    | JobOver
    | { readonly kind: "job-not-found" }
    | Rejected
    | Unreachable
  )
  & JobAnswer;

/** Calls about one job, bound to its id and token. */
export interface JobHandle {
  readonly id: number;
  patchTrace(chunk: TraceChunk, options: { signal: AbortSignal }): Promise<PatchOutcome>;
  updateJob(update: JobUpdate, options: { signal: AbortSignal }): Promise<UpdateOutcome>;
}

export interface RegistrationRequest {
  readonly token: Secret;
  readonly info: RunnerInfo;
  readonly description?: string;
  readonly maintenanceNote?: string;
  readonly tagList?: string;
  readonly runUntagged: boolean;
  readonly locked: boolean;
  readonly accessLevel?: string;
  readonly maximumTimeoutSeconds?: number;
  readonly paused: boolean;
}

/** A runner as the coordinator knows it. */
export interface RegisteredRunner {
  readonly id: number;
  readonly token: Secret;
  readonly tokenExpiresAt: Date | undefined;
}

export type RegistrationOutcome =
  | { readonly kind: "registered"; readonly runner: RegisteredRunner }
  | Forbidden
  | { readonly kind: "registration-disabled"; readonly message: string }
  | Rejected
  | Unreachable;

export type VerificationOutcome =
  /** `runner` is undefined when an old server answers 200 without a body. */
  | { readonly kind: "valid"; readonly runner: RegisteredRunner | undefined }
  | Forbidden
  | Rejected
  | Unreachable;

export type UnregistrationOutcome =
  | { readonly kind: "unregistered" }
  /** The runner or manager was not there any more. */
  | { readonly kind: "already-gone" }
  | Forbidden
  | Rejected
  | Unreachable;

export type TokenResetOutcome =
  | { readonly kind: "reset"; readonly token: Secret; readonly expiresAt: Date | undefined }
  | Forbidden
  | Rejected
  | Unreachable;

export interface JobRequestOptions {
  readonly signal: AbortSignal;
  /** Called when the coordinator's limits or trouble have been waited out, before it is asked again. */
  readonly onRepeat?: (() => void) | undefined;
}

/** One GitLab instance, as seen with one runner's token. */
export interface Coordinator extends Disposable {
  requestJob(request: JobRequest, options: JobRequestOptions): Promise<JobRequestOutcome>;
  job(identity: JobIdentity, info: RunnerInfo): JobHandle;
  registerRunner(
    request: RegistrationRequest,
    options: { signal: AbortSignal },
  ): Promise<RegistrationOutcome>;
  verifyRunner(info: RunnerInfo, options: { signal: AbortSignal }): Promise<VerificationOutcome>;
  /** Deletes the manager (`glrt-` token) or the runner (other tokens). */
  unregisterRunner(options: { signal: AbortSignal }): Promise<UnregistrationOutcome>;
  /** With a personal access token and the runner's id, or with the runner's own token. */
  resetToken(
    access: { readonly pat?: Secret; readonly runnerId: number },
    options: { signal: AbortSignal },
  ): Promise<TokenResetOutcome>;
}
