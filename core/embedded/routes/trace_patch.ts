/** Route by which runners append to a trace (protocol section 7.3). */

import { apiError, emptyAnswer, jsonAnswer } from "../answers.ts";
import { type Call, epochMs } from "../call.ts";
import type { EmbeddedJob } from "../jobs.ts";
import { type CoordinatorState, jobOfCall, notRunning, statusHeader } from "../state.ts";

const WATCHED_SECONDS = 3;
const UNWATCHED_SECONDS = 60;

export async function patchTrace(state: CoordinatorState, call: Call): Promise<Response> {
  const job = jobOfCall(state, call);
  if (job === undefined) return apiError(403);
  state.checks.jobCall(call, job);
  const handled = state.checks.patchOpened(job);
  try {
    return append(state, call, job, await call.bytes());
  } finally {
    handled();
  }
}

function append(
  state: CoordinatorState,
  call: Call,
  job: EmbeddedJob,
  bytes: Uint8Array,
): Response {
  if (!job.isRunning) return notRunning(job);
  const contentRange = call.header("Content-Range");
  if (contentRange === undefined) return apiError(400, "Missing header Content-Range");
  state.checks.patch(job, bytes, contentRange);
  const { trace } = job;
  if (trace.size + bytes.length > state.settings.traceLimitBytes) {
    job.finish({ state: "failed", failureReason: "trace_size_exceeded" });
    return jsonAnswer(403, { error: "403 Forbidden" }, statusHeader(job));
  }
  if (Number.parseInt(contentRange, 10) !== trace.size) {
    return jsonAnswer(416, { error: "416 Range Not Satisfiable" }, {
      ...statusHeader(job),
      Range: `0-${trace.size}`,
    });
  }
  job.times.firstByte ??= epochMs();
  job.patches++;
  trace.append(bytes.subarray(0, Math.max(0, bytes.length - call.droppedBytes)));
  return emptyAnswer(202, {
    ...statusHeader(job),
    Range: `0-${trace.size}`,
    ...(state.settings.mode === "v11.7"
      ? {}
      : { "X-GitLab-Trace-Update-Interval": String(updateInterval(state, job)) }),
  });
}

/** Seconds after which the runner is to send again. */
export function updateInterval(state: CoordinatorState, job: EmbeddedJob): number {
  return state.settings.updateIntervalSeconds ??
    (job.watchers > 0 ? WATCHED_SECONDS : UNWATCHED_SECONDS);
}
