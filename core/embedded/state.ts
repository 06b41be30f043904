/** What the routes of the embedded coordinator share. */

import { apiError } from "./answers.ts";
import type { ArtifactStore } from "./artifact_store.ts";
import type { Call } from "./call.ts";
import type { Checks } from "./checks.ts";
import type { Faults } from "./faults.ts";
import type { GitHttp } from "./routes/git.ts";
import type { EmbeddedJob, JobStore } from "./jobs.ts";
import type { CoordinatorSettings } from "./options.ts";
import type { JobDescriptionInput } from "./payload.ts";
import type { People } from "./people.ts";
import type { JobQueue } from "./queue.ts";
import type { RateLimiter } from "./rate_limiter.ts";
import type { Recorder } from "./recorder.ts";
import type { EmbeddedRunner, RunnerStore } from "./runners.ts";

/** One line of what is going on, for people. */
export interface CoordinatorEvent {
  readonly kind: "runner" | "job" | "artifact";
  readonly text: string;
}

export interface CoordinatorState {
  /** Changed while running, by the one who started the coordinator. */
  readonly settings: CoordinatorSettings;
  readonly runners: RunnerStore;
  readonly jobs: JobStore;
  readonly queue: JobQueue;
  readonly artifacts: ArtifactStore;
  readonly checks: Checks;
  readonly faults: Faults;
  readonly recorder: Recorder;
  readonly limiter: RateLimiter;
  /** Aborts when the server goes down: ends long polls and live logs. */
  readonly down: () => AbortSignal;
  readonly emit: (event: CoordinatorEvent) => void;
  /** Address under which runners reach this server, seen from `call`. */
  readonly baseUrl: (call: Call) => string;
  /** Opens a job to runners; the one way in. */
  readonly enqueue: (job: JobDescriptionInput) => EmbeddedJob;
  readonly git: GitHttp | undefined;
  readonly people: People;
  /** Address of the listener that plays object storage; undefined: downloads come from here. */
  readonly storageUrl: () => string | undefined;
}

/** Type of hono's environment: the call, made once per request. */
export interface RouteEnvironment {
  // deno-lint-ignore no-explicit-any -- hono's own type for bindings is an open record
  readonly Bindings: { readonly call: Call } & Record<string, any>;
}

/** `Job-Status` as servers of the set age send it. */
export function statusHeader(job: EmbeddedJob): Record<string, string> {
  return { "Job-Status": job.status };
}

/** The answer to a job whose token is dead: over, or not yet accepted. */
export function notRunning(job: EmbeddedJob): Response {
  return apiError(403, "Job is not running", statusHeader(job));
}

/** The job of the call, if the `Job-Token` header is its token. */
export function jobOfCall(state: CoordinatorState, call: Call): EmbeddedJob | undefined {
  const job = call.jobId === undefined ? undefined : state.jobs.get(call.jobId);
  return job !== undefined && call.header("Job-Token") === job.token ? job : undefined;
}

/** Who calls by the token in the body; undefined for a token that is nobody's. */
export async function callingRunner(
  state: CoordinatorState,
  call: Call,
): Promise<{ body: Readonly<Record<string, unknown>>; runner: EmbeddedRunner | undefined }> {
  const body = await call.json();
  const runner = runnerOfBody(state, body);
  state.checks.tokens(call, "Runner-Token", body["token"], runner === undefined ? {} : { runner });
  return { body, runner };
}

/** The runner whose token the body carries. */
export function runnerOfBody(
  state: CoordinatorState,
  body: Readonly<Record<string, unknown>>,
): EmbeddedRunner | undefined {
  return state.runners.find(body["token"]);
}
