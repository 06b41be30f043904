/** When a runner entry may ask for a job, decided from what its requests brought. Pure of clocks. */

/** Settings of one entry that steer its requests. */
export interface ScheduleSettings {
  readonly checkIntervalMs: number;
  readonly requestConcurrency: number;
  /** After a job, wait the check interval as after none. */
  readonly strictCheckInterval: boolean;
  /** `FF_USE_ADAPTIVE_REQUEST_CONCURRENCY`: the concurrency is a ceiling that has to be earned. */
  readonly adaptive: boolean;
  readonly unhealthyRequestsLimit: number;
  readonly unhealthyIntervalMs: number;
}

/** What a request brought. `unhealthy`: the token was refused. `failed`: no usable answer. */
export type RequestResult = "job" | "no-job" | "failed" | "unhealthy";

/** How the live limit of open requests moves (protocol section 5.1). */
const FACTOR: Readonly<Record<RequestResult, number>> = {
  job: 1.1,
  "no-job": 0.95,
  unhealthy: 0.95,
  failed: 0.5,
};

/** Times are milliseconds of one monotonic clock that the caller reads. */
export class Schedule {
  #settings: ScheduleSettings;
  #liveLimit = 1;
  #notBefore = 0;
  #unhealthyRequests = 0;
  /** The last request brought no job: until one comes, a single request at a time is enough. */
  #idle = false;

  constructor(settings: ScheduleSettings) {
    this.#settings = settings;
  }

  /** New settings from a reload, which also clears what was held against the entry. */
  configure(settings: ScheduleSettings): void {
    this.#settings = settings;
    this.#unhealthyRequests = 0;
    this.#notBefore = 0;
    this.#liveLimit = Math.min(this.#liveLimit, settings.requestConcurrency);
  }

  /** Requests that may be open at once now. */
  get openRequestsLimit(): number {
    const { adaptive, requestConcurrency } = this.#settings;
    if (!adaptive) return requestConcurrency;
    return this.#idle ? 1 : Math.min(Math.ceil(this.#liveLimit), requestConcurrency);
  }

  get adaptiveLimit(): number {
    return this.#liveLimit;
  }

  /** The entry's token was refused so often that it is left alone for a while. */
  get isUnhealthy(): boolean {
    return this.#unhealthyRequests >= this.#settings.unhealthyRequestsLimit;
  }

  /** Milliseconds until the next request may start. */
  waitMs(now: number): number {
    return Math.max(0, this.#notBefore - now);
  }

  /**
   * Takes the result of a request that was sent, for the last time, at `startedAt` and ended at
   * `now`. `strained`: before that the coordinator had refused it because of its limits or troubles.
   */
  note(
    result: RequestResult,
    startedAt: number,
    now: number,
    options: { readonly strained?: boolean } = {},
  ): void {
    const { requestConcurrency, checkIntervalMs, strictCheckInterval } = this.#settings;
    this.#idle = result !== "job";
    const factor = FACTOR[options.strained === true ? "failed" : result];
    this.#liveLimit = Math.min(requestConcurrency, Math.max(1, this.#liveLimit * factor));
    if (result !== "unhealthy") this.#unhealthyRequests = 0;
    else if (this.isUnhealthy) this.#unhealthyRequests = 1;
    else this.#unhealthyRequests++;
    if (result === "job" && !strictCheckInterval) this.#notBefore = now;
    else if (this.isUnhealthy) this.#notBefore = now + this.#settings.unhealthyIntervalMs;
    // A long poll that took an interval or more has already waited its turn.
    else this.#notBefore = Math.max(now, startedAt + checkIntervalMs);
  }
}
