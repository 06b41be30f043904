/** When a runner entry may ask for a job, decided from what its requests brought. Pure of clocks. */

/** Settings of one entry that steer its requests. */
export interface ScheduleSettings {
  readonly checkIntervalMs: number;
  /** After a job, wait the check interval as after none. */
  readonly strictCheckInterval: boolean;
  readonly unhealthyRequestsLimit: number;
  readonly unhealthyIntervalMs: number;
}

/** What a request brought. `unhealthy`: the token was refused. `failed`: no usable answer. */
export type RequestResult = "job" | "no-job" | "failed" | "unhealthy";

/** Times are milliseconds of one monotonic clock that the caller reads. */
export class Schedule {
  #settings: ScheduleSettings;
  #notBefore = 0;
  #unhealthyRequests = 0;

  constructor(settings: ScheduleSettings) {
    this.#settings = settings;
  }

  /** New settings from a reload, which also clears what was held against the entry. */
  configure(settings: ScheduleSettings): void {
    this.#settings = settings;
    this.#unhealthyRequests = 0;
    this.#notBefore = 0;
  }

  /** The entry's token was refused so often that it is left alone for a while. */
  get isUnhealthy(): boolean {
    return this.#unhealthyRequests >= this.#settings.unhealthyRequestsLimit;
  }

  /** Milliseconds until the next request may start. */
  waitMs(now: number): number {
    return Math.max(0, this.#notBefore - now);
  }

  /** Takes the result of a request that was sent, for the last time, at `startedAt` and ended at `now`. */
  note(result: RequestResult, startedAt: number, now: number): void {
    const { checkIntervalMs, strictCheckInterval } = this.#settings;
    if (result !== "unhealthy") this.#unhealthyRequests = 0;
    else if (this.isUnhealthy) this.#unhealthyRequests = 1;
    else this.#unhealthyRequests++;
    if (result === "job" && !strictCheckInterval) this.#notBefore = now;
    else if (this.isUnhealthy) this.#notBefore = now + this.#settings.unhealthyIntervalMs;
    // A long poll that took an interval or more has already waited its turn.
    else this.#notBefore = Math.max(now, startedAt + checkIntervalMs);
  }
}
