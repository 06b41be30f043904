/** Jobs of the embedded coordinator: their states, and who may move them from one to the next. */

import { epochMs } from "./call.ts";
import type { JobDescription } from "./payload.ts";
import { type EmbeddedRunner, newToken, type RunnerManager } from "./runners.ts";
import { TraceStore } from "./trace_store.ts";

/** `waiting`: handed out, not yet accepted by its runner; GitLab calls that `pending` still. */
export type JobState =
  | "created"
  | "pending"
  | "waiting"
  | "running"
  | "canceling"
  | "success"
  | "failed"
  | "canceled";

export type FinalJobState = "success" | "failed" | "canceled";

/** How the log of a finished job compares with the checksum and size its runner sent. */
export type ChecksumVerdict = "match" | "mismatch" | "absent";

export interface JobOutcome {
  readonly state: FinalJobState;
  readonly failureReason: string | undefined;
  readonly exitCode: number | undefined;
  readonly checksum: ChecksumVerdict;
}

/** Milliseconds since the epoch, with fractions; undefined until it happened. */
export interface JobTimes {
  readonly queued: number;
  handedOut?: number;
  accepted?: number;
  firstByte?: number;
  firstFinal?: number;
  finished?: number;
}

export interface JobSettings {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
  /** Only this runner may take the job. */
  readonly runner: EmbeddedRunner | undefined;
  readonly tracePath: string;
  /** Undefined: the payload was made by hand. */
  readonly description: JobDescription | undefined;
  /** The 201's body, made when the job is handed out; `baseUrl` is how the runner reaches us. */
  readonly payload: (job: EmbeddedJob, baseUrl: string) => unknown;
  readonly changed: (job: EmbeddedJob) => void;
}

export class EmbeddedJob {
  readonly id: number;
  readonly token = newToken("glcbt-64_");
  readonly name: string;
  readonly tags: readonly string[];
  readonly reservedFor: EmbeddedRunner | undefined;
  readonly description: JobDescription | undefined;
  readonly trace: TraceStore;
  /** ISO 8601; undefined: its log and artifacts are still there. */
  erasedAt: string | undefined;
  readonly times: JobTimes = { queued: epochMs() };
  /** True once a runner has accepted the job, false when it ended before. */
  readonly accepted: Promise<boolean>;
  readonly finished: Promise<JobOutcome>;
  runner: EmbeddedRunner | undefined;
  manager: RunnerManager | undefined;
  /** `session` of the job request that brought the job. */
  session: unknown;
  outcome: JobOutcome | undefined;
  patches = 0;
  updates = 0;
  /** Somebody follows the log; runners then send more often. */
  watchers = 0;
  readonly payload: JobSettings["payload"];
  readonly #changed: JobSettings["changed"];
  readonly #accepted = Promise.withResolvers<boolean>();
  readonly #finished = Promise.withResolvers<JobOutcome>();
  #state: JobState = "created";
  #cancelAtPickUp = false;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: JobSettings) {
    this.id = settings.id;
    this.name = settings.name;
    this.tags = settings.tags;
    this.reservedFor = settings.runner;
    this.description = settings.description;
    this.trace = new TraceStore(settings.tracePath);
    this.payload = settings.payload;
    this.#changed = settings.changed;
    this.accepted = this.#accepted.promise;
    this.finished = this.#finished.promise;
  }

  get state(): JobState {
    return this.#state;
  }

  /** The state in GitLab's words, as `Job-Status` tells it. */
  get status(): string {
    return this.#state === "waiting" ? "pending" : this.#state;
  }

  get isOver(): boolean {
    return this.#state === "success" || this.#state === "failed" || this.#state === "canceled";
  }

  /** Whether the job's token opens the trace, artifacts and repositories. */
  get isRunning(): boolean {
    return this.#state === "running" || this.#state === "canceling";
  }

  /** Makes the job available to runners, for the first time or again. */
  offer(): void {
    this.runner = undefined;
    this.manager = undefined;
    this.#moveTo("pending");
  }

  /** Binds the job to a manager. With `ackWindowMs` it must be accepted within that time. */
  handOut(
    to: { readonly runner: EmbeddedRunner; readonly manager: RunnerManager },
    ack: { readonly windowMs: number; readonly lapsed: () => void } | undefined,
  ): void {
    this.runner = to.runner;
    this.manager = to.manager;
    this.times.handedOut = epochMs();
    if (ack === undefined) return this.accept();
    this.#moveTo("waiting");
    this.awaitAcceptance(ack);
  }

  /** Opens the acknowledgement window anew. */
  awaitAcceptance(ack: { readonly windowMs: number; readonly lapsed: () => void }): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = setTimeout(ack.lapsed, ack.windowMs);
  }

  accept(): void {
    clearTimeout(this.#ackTimer);
    this.times.accepted = epochMs();
    this.#moveTo(this.#cancelAtPickUp ? "canceling" : "running");
    this.#accepted.resolve(true);
  }

  /**
   * `graceful`: the runner stops the script and runs `after_script`, if its manager can do that.
   * `forced`: the job is over at once.
   */
  cancel(how: "graceful" | "forced"): void {
    if (this.isOver) return;
    const canStopGracefully = this.manager?.features["cancel_gracefully"] === true;
    if (how === "forced" || this.#state === "created" || this.#state === "pending") {
      this.finish({ state: "canceled" });
    } else if (this.#state === "waiting") this.#cancelAtPickUp = true;
    else if (canStopGracefully) this.#moveTo("canceling");
    else this.finish({ state: "canceled" });
  }

  /** Ends the job. A job that is being canceled ends as canceled, whatever its runner says. */
  finish(end: { readonly state: FinalJobState } & Partial<JobOutcome>): void {
    if (this.isOver) return;
    clearTimeout(this.#ackTimer);
    this.times.finished = epochMs();
    const state = this.#state === "canceling" ? "canceled" : end.state;
    this.outcome = {
      state,
      failureReason: end.failureReason,
      exitCode: end.exitCode,
      checksum: end.checksum ?? "absent",
    };
    this.trace.complete();
    this.#moveTo(state);
    this.#accepted.resolve(false);
    this.#finished.resolve(this.outcome);
  }

  /** Forgets timers and files; states stay as they are. */
  release(): void {
    clearTimeout(this.#ackTimer);
    this.trace.complete();
  }

  #moveTo(state: JobState): void {
    this.#state = state;
    this.#changed(this);
  }
}

export class JobStore {
  readonly #byId = new Map<number, EmbeddedJob>();
  readonly #byToken = new Map<string, EmbeddedJob>();
  #lastId = 1000;

  nextId(): number {
    return ++this.#lastId;
  }

  add(job: EmbeddedJob): void {
    this.#byId.set(job.id, job);
    this.#byToken.set(job.token, job);
  }

  get(id: number): EmbeddedJob | undefined {
    return this.#byId.get(id);
  }

  withToken(token: string | undefined): EmbeddedJob | undefined {
    return token === undefined ? undefined : this.#byToken.get(token);
  }

  all(): EmbeddedJob[] {
    return [...this.#byId.values()];
  }
}
