/** Whether an answer is worth asking again for, and how long to wait before that. */

import { backoff } from "../util/retry.ts";
import type { Clock } from "./clock.ts";

/** Attempts in total. */
export const MOST_ATTEMPTS = 5;

/** A coordinator that wants a longer pause gets it from the caller's own pace. */
export const LONGEST_WAIT_MS = 60_000;

/**
 * Which answers repeat a call. `unless-taken` is for calls that must not happen twice: of the
 * failures only 429 and 503 say that nothing was done.
 */
export type Repetition = "on-failure" | "unless-taken";

export function isRepeatable(status: number, repetition: Repetition): boolean {
  if (status === 429 || status === 503) return true;
  if (repetition === "unless-taken") return false;
  return [408, 500, 502, 504].includes(status) || status >= 512;
}

/** Milliseconds to wait after the failed attempt `attempt` (from 0). Not bounded. */
export function waitAfter(headers: Headers, attempt: number, clock: Clock): number {
  return untilReset(headers, clock) ?? retryAfter(headers) ??
    backoff(attempt, { minMs: 100, maxMs: LONGEST_WAIT_MS, random: clock.random });
}

/** Measured by the coordinator's own clock when it shows it, because ours may be hours off. */
function untilReset(headers: Headers, clock: Clock): number | undefined {
  const reset = Date.parse(headers.get("ratelimit-resettime") ?? "");
  const theirNow = Date.parse(headers.get("date") ?? "");
  const wait = reset - (Number.isNaN(theirNow) ? clock.now() : theirNow);
  return wait > 0 ? wait : undefined;
}

function retryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  const seconds = /^\d+$/.test(text) ? Number(text) : 0;
  return seconds > 0 ? seconds * 1000 : undefined;
}
