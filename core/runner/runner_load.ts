/** What one runner runs and asks for in this manager: what `limit` and `request_concurrency` count. */

import { RequestLimit } from "./request_limit.ts";

/** One per token, as GitLab Runner counts: entries that have it in common share it. */
export class RunnerLoad {
  readonly requestLimit = new RequestLimit();
  #jobs = 0;
  #requests = 0;
  readonly #waiting = new Set<() => void>();
  #lastAsked: (() => void) | undefined;

  /** Jobs that run, and requests that may bring one. */
  get places(): number {
    return this.#jobs + this.#requests;
  }

  get requests(): number {
    return this.#requests;
  }

  /** `retry` is what the same entry would give to `wait`. */
  asked(retry: () => void): void {
    this.#requests++;
    this.#lastAsked = retry;
  }

  /** A request is over; the place of one that has brought a job is that job's. */
  answered(options: { readonly hasJob: boolean }): void {
    this.#requests--;
    if (options.hasJob) this.#jobs++;
    this.#wake();
  }

  jobEnded(): void {
    this.#jobs--;
    this.#wake();
  }

  /** Calls `retry` once, when a place has become free or a request is over. */
  wait(retry: () => void): void {
    this.#waiting.add(retry);
  }

  /** Whoever waits comes before whoever gives back, and the one that asked last comes last. */
  #wake(): void {
    const last = this.#lastAsked;
    const waiting = [...this.#waiting].filter((retry) => retry !== last);
    if (last !== undefined && this.#waiting.has(last)) waiting.push(last);
    this.#waiting.clear();
    for (const retry of waiting) retry();
  }
}
