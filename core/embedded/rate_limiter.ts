/** Counts calls per token and minute, and answers 429 beyond a limit (protocol section 2). */

import { apiError } from "./answers.ts";

const WINDOW_MS = 60_000;

export class RateLimiter {
  readonly #windows = new Map<string, { since: number; calls: number }>();

  /** The answer to a call beyond `limit`; undefined when it is within. */
  refuse(token: string, limit: number | undefined): Response | undefined {
    if (limit === undefined) return undefined;
    const now = performance.now();
    let window = this.#windows.get(token);
    if (window === undefined || now - window.since >= WINDOW_MS) {
      window = { since: now, calls: 0 };
      this.#windows.set(token, window);
    }
    if (++window.calls <= limit) return undefined;
    const seconds = Math.max(1, Math.ceil((window.since + WINDOW_MS - now) / 1000));
    return apiError(429, "", {
      "Retry-After": String(seconds),
      "RateLimit-Limit": String(limit),
      "RateLimit-Remaining": "0",
      "RateLimit-ResetTime": new Date(Date.now() + seconds * 1000).toUTCString(),
    });
  }
}
