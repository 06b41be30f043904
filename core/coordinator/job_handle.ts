/** Calls about one running job: its trace and its state. */

import { Secret } from "../util/secret.ts";
import { formatDuration } from "../util/units.ts";
import type { JobIdentity } from "../job/response.ts";
import type { LogFields } from "../log/logger.ts";
import { type Answer, errorMessage, rejected, statusLine } from "./answer.ts";
import type {
  JobAnswer,
  JobHandle,
  JobUpdate,
  PatchOutcome,
  RunnerInfo,
  TraceChecksum,
  TraceChunk,
  Unreachable,
  UpdateOutcome,
} from "./coordinator.ts";
import { infoBody, type RunnerApi } from "./runner_api.ts";

/** The longest pace a coordinator may set. */
const LONGEST_INTERVAL_MS = 900_000;

export function jobHandle(api: RunnerApi, identity: JobIdentity, info: RunnerInfo): JobHandle {
  const { id } = identity;
  const token = { header: "Job-Token", value: new Secret(identity.token) };
  const logger = api.logger.with({ job: id });

  async function patchTrace(
    chunk: TraceChunk,
    options: { signal: AbortSignal },
  ): Promise<PatchOutcome> {
    const range = `${chunk.offset}-${chunk.offset + chunk.bytes.length - 1}`;
    const answer = await api.call({
      method: "PATCH",
      path: `jobs/${id}/trace?debug_trace=${chunk.debugTrace}`,
      route: "jobs/:id/trace",
      headers: { "Content-Type": "text/plain", "Content-Range": range },
      token,
      body: chunk.bytes,
      repeat: "on-failure",
      follow: "trusted",
    }, { ...options, metric: "patch_trace" });
    const outcome = patchOutcome(answer);
    const told = { ...toldBy(answer), "sent-log": range };
    report("Appending trace to coordinator...", outcome, told, {
      accepted: "ok",
      "range-mismatch": "range mismatch",
      "job-over": "job failed",
      "job-not-found": "not-found",
    });
    return outcome;
  }

  async function updateJob(
    update: JobUpdate,
    options: { signal: AbortSignal },
  ): Promise<UpdateOutcome> {
    const sent = sumFields(update.trace);
    logger.info("Updating job...", sent);
    const answer = await api.call({
      method: "PUT",
      path: `jobs/${id}`,
      route: "jobs/:id",
      headers: { "Content-Type": "application/json" },
      token,
      body: JSON.stringify(updateBody(identity.token, info, update)),
      repeat: "on-failure",
      follow: "trusted",
    }, { ...options, metric: "update_job" });
    const outcome = updateOutcome(answer);
    report("Submitting job to coordinator...", outcome, { ...toldBy(answer), ...sent }, {
      accepted: "ok",
      pending: "accepted, but not yet completed",
      "trace-refused": "trace validation failed",
      "job-over": "job failed",
      "job-not-found": "not found",
    });
    return outcome;
  }

  /** One log line per call, in the words that operators of GitLab Runner search for. */
  function report(
    action: string,
    outcome: PatchOutcome | UpdateOutcome,
    fields: LogFields,
    words: Readonly<Record<string, string>>,
  ): void {
    const line = `${action} ${words[outcome.kind] ?? "failed"}`;
    if (outcome.kind === "accepted" || outcome.kind === "pending") logger.info(line, fields);
    else if ("message" in outcome) logger.warning(line, { ...fields, error: outcome.message });
    else logger.warning(line, fields);
  }

  return { id, patchTrace, updateJob };
}

function patchOutcome(answer: Answer | Unreachable): PatchOutcome {
  if ("kind" in answer) return { ...answer, ...NOTHING_TOLD };
  const said = jobAnswer(answer);
  if (isOver(answer)) return { kind: "job-over", status: jobStatus(answer), ...said };
  switch (answer.status) {
    case 202:
      return { kind: "accepted", stored: storedSize(answer), ...said };
    case 404:
      return { kind: "job-not-found", ...said };
    case 416:
      return { kind: "range-mismatch", size: storedSize(answer), ...said };
    default:
      return { ...rejected(answer), ...said };
  }
}

function updateOutcome(answer: Answer | Unreachable): UpdateOutcome {
  if ("kind" in answer) return { ...answer, ...NOTHING_TOLD };
  const said = jobAnswer(answer);
  if (isOver(answer)) return { kind: "job-over", status: jobStatus(answer), ...said };
  switch (answer.status) {
    case 200:
      return { kind: "accepted", ...said };
    case 202:
      return { kind: "pending", ...said };
    case 404:
      return { kind: "job-not-found", ...said };
    case 412:
      return { kind: "trace-refused", ...said };
    default:
      return { ...rejected(answer), ...said };
  }
}

const NOTHING_TOLD: JobAnswer = { cancelRequested: false, updateIntervalMs: undefined };

function jobAnswer(answer: Answer): JobAnswer {
  return {
    cancelRequested: jobStatus(answer) === "canceling",
    updateIntervalMs: updateInterval(answer),
  };
}

function jobStatus(answer: Answer): string | undefined {
  return answer.headers.get("job-status") || undefined;
}

function isOver(answer: Answer): boolean {
  return answer.status === 403 || ["canceled", "failed"].includes(jobStatus(answer) ?? "");
}

function updateInterval(answer: Answer): number | undefined {
  const text = answer.headers.get("x-gitlab-trace-update-interval") ?? "";
  const seconds = /^\d+$/.test(text) ? Number(text) : 0;
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_INTERVAL_MS) : undefined;
}

/** The number after the dash of `Range: 0-<size>` is the size, not the last byte. */
function storedSize(answer: Answer): number | undefined {
  const size = /^\d+-(\d+)$/.exec(answer.headers.get("range")?.trim() ?? "")?.[1];
  return size === undefined ? undefined : Number(size);
}

function updateBody(token: string, info: RunnerInfo, update: JobUpdate): object {
  const { checksum, bytesize } = sumFields(update.trace);
  return {
    token,
    info: infoBody(info),
    state: update.state,
    ...(update.state !== "running" && update.failureReason
      ? { failure_reason: update.failureReason }
      : {}),
    ...(update.state !== "running" && update.exitCode ? { exit_code: update.exitCode } : {}),
    output: {
      ...(checksum === undefined ? {} : { checksum }),
      ...(bytesize ? { bytesize } : {}),
    },
    // The place of the checksum before GitLab 13.8.
    ...(checksum === undefined ? {} : { checksum }),
  };
}

function sumFields(trace: TraceChecksum | undefined) {
  if (trace === undefined) return { checksum: undefined, bytesize: undefined };
  const digits = (trace.crc32 >>> 0).toString(16).padStart(8, "0");
  return { checksum: `crc32:${digits}`, bytesize: trace.size };
}

function toldBy(answer: Answer | Unreachable): LogFields {
  if ("kind" in answer) return {};
  return {
    code: answer.status,
    status: statusLine(answer),
    correlation_id: answer.correlationId,
    "job-status": jobStatus(answer),
    "job-log": answer.headers.get("range") ?? undefined,
    "update-interval": formatDuration(updateInterval(answer) ?? 0),
    ...(answer.status >= 400 ? { error: errorMessage(answer) } : {}),
  };
}
