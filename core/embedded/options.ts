/** How an embedded coordinator is set up. */

import type { TLSOptions } from "bun";

import type { RecorderOptions } from "./recorder.ts";

export interface CoordinatorOptions extends Partial<CoordinatorSettings> {
  /** Address to listen on; loopback unless said otherwise. */
  readonly hostname?: string;
  /** 0: one that is free. */
  readonly port?: number;
  /** Certificate and key; with `requestCert` and `ca` also client certificates. */
  readonly tls?: TLSOptions;
  /** Path in front of everything, such as `/gitlab`. */
  readonly relativeRoot?: string;
  /** Names, beside addresses and `localhost`, under which requests are answered. */
  readonly allowedHosts?: readonly string[];
  /** Folder of bare repositories, served as `<path>.git`. */
  readonly reposRoot?: string;
  /** Only a running job's token opens repositories. */
  readonly gitNeedsToken?: boolean;
  /** Downloads are redirected to a second listener, as GitLab does with object storage. */
  readonly storageRedirect?: boolean;
  /** Folder for traces and artifacts; a temporary one, removed at the end, when absent. */
  readonly dataDirectory?: string;
  readonly recorder?: Partial<RecorderOptions>;
}

/** What may be changed while the coordinator runs. */
export interface CoordinatorSettings {
  /** Which GitLab to be: today's, or one of early 2019. */
  mode: "modern" | "v11.7";
  /** How long a job request is held when there is no job; 0: not at all. */
  longPollMs: number;
  /**
   * Every request that finds no job is held, and answered with the job that comes. GitLab holds only
   * a runner that has asked before, and ends the poll with 204, so that it has to ask again.
   */
  longPollHandsOut: boolean;
  /** Exchanged for runner tokens; undefined: registration is refused. */
  registrationToken: string | undefined;
  /** `check_interval` of runners that are added from now on; the always-on checks judge by it. */
  checkIntervalMs: number;
  /** Time to accept a job before it goes to another runner. */
  ackWindowMs: number;
  /** Seconds in `X-GitLab-Trace-Update-Interval`; undefined: 3 while a log is watched, else 60. */
  updateIntervalSeconds: number | undefined;
  /** Bytes a log may have before its job is failed. */
  traceLimitBytes: number;
  artifactLimitBytes: number;
  /** So long after the first final update the answer is 202: log chunks are still being moved. */
  chunksMovingMs: number;
  /** Answer 412 to a final update whose checksum does not fit. */
  refuseWrongChecksum: boolean;
  /** Requests for jobs that a runner may send in a minute; undefined: no limit. */
  jobRequestsPerMinute: number | undefined;
}

const MEBIBYTE = 1024 * 1024;

export const DEFAULT_SETTINGS: CoordinatorSettings = {
  mode: "modern",
  longPollMs: 0,
  longPollHandsOut: false,
  registrationToken: undefined,
  checkIntervalMs: 3000,
  ackWindowMs: 120_000,
  updateIntervalSeconds: undefined,
  traceLimitBytes: 1024 * MEBIBYTE,
  artifactLimitBytes: 4096 * MEBIBYTE,
  chunksMovingMs: 0,
  refuseWrongChecksum: false,
  jobRequestsPerMinute: undefined,
};
