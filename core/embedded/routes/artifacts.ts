/** Routes for artifacts, up and down (protocol section 9). */

import { apiError, emptyAnswer, jsonAnswer, textAnswer } from "../answers.ts";
import { downloadAnswer, type ReceiveOutcome, uploadRefusal } from "../artifact_store.ts";
import type { Call } from "../call.ts";
import type { EmbeddedJob } from "../jobs.ts";
import { type CoordinatorState, jobOfCall, notRunning } from "../state.ts";

export async function uploadArtifact(state: CoordinatorState, call: Call): Promise<Response> {
  const job = jobOfCall(state, call);
  if (job === undefined) return apiError(403);
  state.checks.jobCall(call, job);
  if (!job.isRunning) return notRunning(job);
  const length = Number(call.header("Content-Length") ?? 0);
  if (length > state.settings.artifactLimitBytes) return apiError(413);
  const outcome = await state.artifacts.receive({
    jobId: job.id,
    query: call.url.searchParams,
    contentType: call.header("Content-Type"),
    body: call.request.body,
  });
  return uploadAnswer(state, job, outcome);
}

function uploadAnswer(
  state: CoordinatorState,
  job: EmbeddedJob,
  outcome: ReceiveOutcome,
): Response {
  switch (outcome.kind) {
    case "stored": {
      const { type, size } = outcome.artifact;
      state.emit({ kind: "artifact", text: `job ${job.id} stored ${type}, ${size} bytes` });
      return uploaded(state, job);
    }
    case "repeated":
      return uploaded(state, job);
    case "duplicate":
      return state.settings.mode === "v11.7"
        ? apiError(400, "Already uploaded")
        : uploadRefusal(outcome);
    default:
      return uploadRefusal(outcome);
  }
}

/** Old servers answer with the whole job, its token included. */
function uploaded(state: CoordinatorState, job: EmbeddedJob): Response {
  return state.settings.mode === "v11.7"
    ? jsonAnswer(201, { id: job.id, token: job.token, artifacts_file: {} })
    : textAnswer(201, "201");
}

export function downloadArtifact(state: CoordinatorState, call: Call): Response {
  const wanted = call.jobId === undefined ? undefined : state.jobs.get(call.jobId);
  const reader = state.jobs.withToken(call.header("Job-Token"));
  if (reader === undefined) return apiError(401);
  state.checks.jobCall(call, reader);
  // Old servers hand out the dependency's own token, of a job that is over.
  const mayRead = reader.isRunning || (state.settings.mode === "v11.7" && reader === wanted);
  if (!mayRead) return apiError(403);
  const artifact = wanted === undefined ? undefined : state.artifacts.find(wanted.id);
  if (artifact === undefined || wanted === undefined) return apiError(404);
  const storage = state.storageUrl();
  if (storage !== undefined && call.url.searchParams.get("direct_download") === "true") {
    return emptyAnswer(302, { Location: `${storage}/${wanted.id}?signature=${artifact.sha256}` });
  }
  return downloadAnswer(artifact, call.header("Range"));
}

/** Plays the object storage: `/<job>?signature=…`, for those who were sent here. */
export function storageAnswer(state: CoordinatorState, call: Call): Response {
  const job = state.jobs.get(Number(call.path.slice(1)));
  const artifact = job === undefined ? undefined : state.artifacts.find(job.id);
  if (job === undefined || artifact?.sha256 !== call.url.searchParams.get("signature")) {
    const error = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    return new Response(error, { status: 403, headers: { "Content-Type": "application/xml" } });
  }
  state.checks.storage(call, job);
  return downloadAnswer(artifact, call.header("Range"));
}
