/** Route by which runners accept a job, keep it alive and end it (protocol section 8). */

import { apiError, parameterError, textAnswer } from "../answers.ts";
import { type Call, epochMs, isRecord } from "../call.ts";
import { acknowledgement } from "./job_request.ts";
import type { ChecksumVerdict, EmbeddedJob } from "../jobs.ts";
import { FAILURE_REASONS, OLD_FAILURE_REASONS } from "../payload.ts";
import { type CoordinatorState, notRunning, statusHeader } from "../state.ts";
import { updateInterval } from "./trace_patch.ts";

/** Longest pause the server asks for while it moves log chunks. */
const LONGEST_BACKOFF_SECONDS = 64;
/** Exit codes beyond this are stored as it. */
const LARGEST_EXIT_CODE = 32_767;

export async function updateJob(state: CoordinatorState, call: Call): Promise<Response> {
  const body = await call.json();
  const job = call.jobId === undefined ? undefined : state.jobs.get(call.jobId);
  const { token, state: wanted } = body;
  state.checks.tokens(call, "Job-Token", token, job === undefined ? {} : { job });
  if (token === undefined) return parameterError("token is missing");
  if (job === undefined || token !== job.token) return apiError(403);
  job.updates++;
  const isFinal = wanted === "success" || wanted === "failed";
  state.checks.jobCall(call, job, isFinal ? String(wanted) : undefined);
  if (job.isOver) return notRunning(job);
  if (job.state === "waiting") return acknowledge(state, job, wanted);
  if (!job.isRunning) {
    return wanted === "pending" ? apiError(409) : apiError(400, "no manager waits for this job");
  }
  if (typeof body["trace"] === "string" && state.settings.mode === "v11.7") {
    job.trace.replace(new TextEncoder().encode(body["trace"]));
  }
  if (isFinal) return finish(state, call, job, body);
  if (wanted === "running" || wanted === undefined) return stored(state, job, 200);
  return wanted === "pending" ? apiError(409) : parameterError("state does not have a valid value");
}

/** Answers while the job waits to be accepted. */
function acknowledge(state: CoordinatorState, job: EmbeddedJob, wanted: unknown): Response {
  if (wanted === "pending") job.awaitAcceptance(acknowledgement(state, job));
  else if (wanted === "running") job.accept();
  else return apiError(400, "the job has to be accepted first");
  return stored(state, job, 200);
}

function finish(
  state: CoordinatorState,
  call: Call,
  job: EmbeddedJob,
  body: Readonly<Record<string, unknown>>,
): Response {
  const isModern = state.settings.mode === "modern";
  const output = isRecord(body["output"]) ? body["output"] : {};
  const sent = { checksum: output["checksum"] ?? body["checksum"], bytesize: output["bytesize"] };
  const reason = typeof body["failure_reason"] === "string" ? body["failure_reason"] : undefined;
  const known = isModern ? FAILURE_REASONS : OLD_FAILURE_REASONS;
  if (reason !== undefined && !known.includes(reason) && !isModern) {
    return parameterError("failure_reason does not have a valid value");
  }
  job.times.firstFinal ??= epochMs();
  const ageMs = epochMs() - job.times.firstFinal;
  if (isModern && sent.checksum !== undefined && ageMs < state.settings.chunksMovingMs) {
    return stored(state, job, 202, backoffSeconds(ageMs));
  }
  const checksum = verdict(job, sent);
  if (isModern && checksum === "mismatch" && state.settings.refuseWrongChecksum) {
    return apiError(412, "", statusHeader(job));
  }
  if (isModern) state.checks.finalUpdate(job, sent);
  const exitCode = typeof body["exit_code"] === "number" ? body["exit_code"] : undefined;
  const end = body["state"] === "success" ? "success" : "failed";
  job.finish({
    state: end,
    failureReason: reason === undefined || known.includes(reason) ? reason : "unknown_failure",
    exitCode: exitCode === undefined
      ? undefined
      : Math.min(Math.max(exitCode, 0), LARGEST_EXIT_CODE),
    checksum,
  });
  call.whenDelivered(() => state.checks.finalAnswer(job, end));
  return stored(state, job, 200);
}

function stored(
  state: CoordinatorState,
  job: EmbeddedJob,
  status: 200 | 202,
  intervalSeconds = updateInterval(state, job),
): Response {
  if (state.settings.mode === "v11.7") return textAnswer(200, "true");
  return textAnswer(status, String(status), {
    ...statusHeader(job),
    "X-GitLab-Trace-Update-Interval": String(intervalSeconds),
  });
}

function verdict(
  job: EmbeddedJob,
  sent: { readonly checksum: unknown; readonly bytesize: unknown },
): ChecksumVerdict {
  if (sent.checksum === undefined) return job.trace.size === 0 ? "match" : "absent";
  const sameSize = sent.bytesize === undefined || sent.bytesize === job.trace.size;
  return sent.checksum === job.trace.checksum && sameSize ? "match" : "mismatch";
}

/** A runner that waits exactly as it was told must not be early by what clocks round. */
const ROUNDING_MS = 50;

/** 1, 2, 4 … 64 seconds, by the age of the first final update. */
function backoffSeconds(ageMs: number): number {
  const doublings = Math.ceil(Math.log2(Math.max(1, (ageMs + ROUNDING_MS) / 1000)));
  return Math.min(LONGEST_BACKOFF_SECONDS, 2 ** doublings);
}
