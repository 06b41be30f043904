/** The end of a job's trace: what is left of it, then the result. */

import type { Clock } from "../coordinator/clock.ts";
import type { UpdateOutcome } from "../coordinator/coordinator.ts";
import { assertNever } from "../errors.ts";
import type { FinalState } from "../job/result.ts";
import type { Delivery } from "./trace.ts";
import type { TraceLink } from "./trace_link.ts";

export interface DeliverOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Tries while the job still holds its slot; after them the outbox goes on. */
const QUICK_RETRIES_MS = [1000, 2000, 4000];

/** Between two attempts to find out how much the coordinator has, and where it names no pace. */
const PAUSE_MS = 3000;
/** GitLab's own longest pause while it moves the trace to its storage. */
const LONGEST_PAUSE_MS = 64_000;
/** GitLab itself gives up moving the trace after five minutes. */
const LONGEST_PENDING_MS = 10 * 60_000;

const MOST_MOVES = 10;
const MOST_TRACE_REFUSALS = 3;

/**
 * Sends the rest of the trace without pauses, then the result, until the coordinator has answered
 * or it is clear that this takes longer: then the answer is `kept`. Rejects only on abort.
 */
export async function deliver(
  link: TraceLink,
  state: FinalState,
  options: DeliverOptions,
): Promise<Delivery> {
  const { clock } = options;
  const pendingUntil = clock.now() + LONGEST_PENDING_MS;
  let wording = state;
  let failures = 0;
  let refusals = 0;
  for (;;) {
    const down = await flush(link, options);
    if (down !== undefined) return { kind: "kept", why: down };
    const outcome = await link.report(wording, options);
    switch (outcome.kind) {
      case "accepted":
        return { kind: "delivered", complete: link.isComplete };
      case "job-over":
      case "job-not-found":
        return { kind: "job-over" };
      case "pending":
        if (clock.now() >= pendingUntil) {
          return { kind: "kept", why: "the coordinator is still busy with the job's trace" };
        }
        await pause(outcome, options);
        break;
      case "trace-refused":
        if (++refusals > MOST_TRACE_REFUSALS) {
          return { kind: "kept", why: "the coordinator refuses the job's trace" };
        }
        link.restart();
        await pause(outcome, options);
        break;
      case "rejected":
      case "unreachable": {
        const older = outcome.kind === "rejected" && outcome.status === 400
          ? olderWording(wording)
          : undefined;
        if (older !== undefined) {
          wording = older;
          break;
        }
        const retryMs = QUICK_RETRIES_MS[failures++];
        if (retryMs === undefined) return { kind: "kept", why: outcome.message };
        await clock.delay(retryMs, options);
        break;
      }
      default:
        assertNever(outcome);
    }
  }
}

/**
 * Sends what is unsent. Returns why the coordinator cannot be reached, or undefined when the result
 * may follow: all is sent, the job is over, or the coordinator is up and still refuses the trace, in
 * which case the result must not wait for it.
 */
async function flush(link: TraceLink, options: DeliverOptions): Promise<string | undefined> {
  let failures = 0;
  let moves = 0;
  let isUp = false;
  while (link.unsentBytes > 0) {
    const result = await link.sendChunk(options);
    switch (result.kind) {
      case "sent":
        failures = 0;
        break;
      case "over":
        return undefined;
      case "moved":
        if (++moves > MOST_MOVES) return undefined;
        if (moves > 1) await options.clock.delay(PAUSE_MS, options);
        break;
      case "failed": {
        const retryMs = QUICK_RETRIES_MS[failures++];
        if (retryMs !== undefined) {
          await options.clock.delay(retryMs, options);
          break;
        }
        if (isUp) return undefined;
        // A coordinator that has just come back must get the trace before the result closes it.
        const sign = await link.keepAlive(options);
        if (isDown(sign)) return result.why;
        if (link.isOver) return undefined;
        isUp = true;
        break;
      }
      default:
        assertNever(result);
    }
  }
  return undefined;
}

function isDown(outcome: UpdateOutcome): boolean {
  if (outcome.kind === "unreachable") return true;
  return outcome.kind === "rejected" && (outcome.status >= 500 || outcome.status === 429);
}

function pause(outcome: UpdateOutcome, options: DeliverOptions): Promise<void> {
  const wanted = outcome.updateIntervalMs ?? PAUSE_MS;
  return options.clock.delay(Math.min(wanted, LONGEST_PAUSE_MS), options);
}

/** Reasons that a coordinator of the v11.7 era may refuse, and that are the job's own doing. */
const JOBS_OWN_REASONS = ["unknown_failure", "runner_configuration_error", "job_execution_timeout"];

/** The same result in words that every coordinator knows; undefined when it is in those already. */
function olderWording(state: FinalState): FinalState | undefined {
  const reason = state.failureReason;
  if (reason === undefined) return undefined;
  if (reason === "script_failure" || reason === "runner_system_failure") return undefined;
  const known = JOBS_OWN_REASONS.includes(reason) ? "script_failure" : "runner_system_failure";
  return { ...state, failureReason: known };
}
