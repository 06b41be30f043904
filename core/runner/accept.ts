/**
 * The second half of taking a job: telling the coordinator that we have it. A job that the
 * coordinator does not confirm is not run, since somebody else may have it (protocol section 5.5).
 */

import type { JobHandle, UpdateOutcome } from "../coordinator/coordinator.ts";
import { delay } from "../util/abort.ts";
import { backoff } from "../util/retry.ts";

export type Acceptance =
  | { readonly kind: "accepted" }
  /** Canceled before it started: it is reported as failed, and nothing of it runs. */
  | { readonly kind: "canceled" }
  /** Not ours, or over, or not ours for sure: nothing more is said about it. */
  | { readonly kind: "dropped"; readonly why: string };

/**
 * GitLab gives an unconfirmed job to somebody else after this long. Whatever was said about it later
 * could hit that other runner's work.
 */
export const ACCEPTANCE_WINDOW_MS = 120_000;

const RETRY = { minMs: 500, maxMs: 10_000 };

/** Asks until it knows, for `windowMs` at most. */
export async function acceptJob(
  handle: JobHandle,
  options: { windowMs?: number; signal: AbortSignal },
): Promise<Acceptance> {
  const { windowMs = ACCEPTANCE_WINDOW_MS } = options;
  const started = performance.now();
  for (let attempt = 0;; attempt++) {
    const outcome = await handle.updateJob({ state: "running" }, options);
    const settled = judge(outcome);
    if (settled !== undefined) return settled;
    const wait = backoff(attempt, RETRY);
    if (performance.now() - started + wait > windowMs) {
      return { kind: "dropped", why: `no confirmation in time: ${describe(outcome)}` };
    }
    await delay(wait, options);
  }
}

/** Undefined: nothing is known yet, and asking again may tell. */
function judge(outcome: UpdateOutcome): Acceptance | undefined {
  switch (outcome.kind) {
    case "accepted":
    case "pending":
      return { kind: outcome.cancelRequested ? "canceled" : "accepted" };
    case "job-over":
      return { kind: "dropped", why: `the job is ${outcome.status ?? "not ours"}` };
    case "job-not-found":
      return { kind: "dropped", why: "the job is not known" };
    case "trace-refused":
      return { kind: "accepted" };
    case "rejected":
      return outcome.status >= 500 || outcome.status === 429
        ? undefined
        : { kind: "dropped", why: describe(outcome) };
    case "unreachable":
      return undefined;
  }
}

function describe(outcome: UpdateOutcome): string {
  if (outcome.kind === "rejected") return `${outcome.status} ${outcome.message}`;
  return outcome.kind === "unreachable" ? outcome.message : outcome.kind;
}
