/** How many requests for jobs may be open at once, as far as `request_concurrency` lets it. */

import type { RequestResult } from "./schedule.ts";

export interface RequestLimitSettings {
  /** At least 1. */
  readonly requestConcurrency: number;
  /** `FF_USE_ADAPTIVE_REQUEST_CONCURRENCY`: the concurrency is a ceiling that has to be earned. */
  readonly adaptive: boolean;
}

/** How the live limit of open requests moves (protocol section 5.1). */
const FACTOR: Readonly<Record<RequestResult, number>> = {
  job: 1.1,
  "no-job": 0.95,
  unhealthy: 0.95,
  failed: 0.5,
};

export class RequestLimit {
  #live = 1;
  /** The last request brought no job: until one comes, a single request at a time is enough. */
  #idle = false;

  /** The live limit, a fraction included. */
  get live(): number {
    return this.#live;
  }

  /** For an entry with these settings. */
  most({ adaptive, requestConcurrency }: RequestLimitSettings): number {
    if (!adaptive) return requestConcurrency;
    return this.#idle ? 1 : Math.min(Math.ceil(this.#live), requestConcurrency);
  }

  /** `strained`: the coordinator had refused the request before, because of its limits or troubles. */
  note(
    result: RequestResult,
    { requestConcurrency }: RequestLimitSettings,
    options: { readonly strained: boolean } = { strained: false },
  ): void {
    this.#idle = result !== "job";
    const factor = FACTOR[options.strained ? "failed" : result];
    this.#live = Math.min(requestConcurrency, Math.max(1, this.#live * factor));
  }
}
