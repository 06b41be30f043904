/** Route by which runners get jobs: queue token, long poll, hand-out (protocol section 5). */

import { apiError, emptyAnswer, jsonAnswer } from "../answers.ts";
import { type Call, isRecord } from "../call.ts";
import type { EmbeddedJob } from "../jobs.ts";
import { systemId } from "./runners.ts";
import type { EmbeddedRunner, RunnerManager } from "../runners.ts";
import { callingRunner, type CoordinatorState } from "../state.ts";

/** Above this GitLab's front end refuses to look at a job request. */
const LARGEST_REQUEST_BYTES = 32 * 1024;

interface Asker {
  readonly runner: EmbeddedRunner;
  readonly manager: RunnerManager;
  readonly body: Readonly<Record<string, unknown>>;
}

export async function requestJob(state: CoordinatorState, call: Call): Promise<Response> {
  if ((await call.bytes()).length > LARGEST_REQUEST_BYTES) return apiError(413);
  const { body, runner } = await callingRunner(state, call);
  if (runner === undefined) return apiError(403);
  const refused = state.limiter.refuse(runner.token, state.settings.jobRequestsPerMinute);
  if (refused !== undefined) return refused;

  const info = isRecord(body["info"]) ? body["info"] : undefined;
  const isNew = !runner.managers.has(systemId(body));
  const manager = runner.manager(systemId(body), info);
  if (isNew) {
    state.emit({ kind: "runner", text: `runner ${runner.id} connected as ${manager.systemId}` });
  }
  const ended = state.checks.jobRequest(call, runner, manager);
  try {
    return await search(state, call, { runner, manager, body });
  } finally {
    ended();
  }
}

async function search(state: CoordinatorState, call: Call, asker: Asker): Promise<Response> {
  const { runner, manager, body } = asker;
  const { longPollMs, longPollHandsOut } = state.settings;
  const polls = longPollMs > 0;
  const cameToNothing = () => {
    manager.emptySince = call.startedAt;
  };
  manager.emptySince = undefined;
  const polling: Record<string, string> = polls ? { "Gitlab-Ci-Builds-Polling": "yes" } : {};
  const take = () => call.request.signal.aborted ? undefined : state.queue.take(runner);
  const isNews = body["last_update"] !== runner.queueToken;
  let job = isNews && !runner.paused ? take() : undefined;
  if (job === undefined && polls && !runner.paused && (longPollHandsOut || !isNews)) {
    const signal = AbortSignal.any([call.request.signal, state.down()]);
    const rung = await runner.bell.wait(longPollMs, { signal });
    if (rung !== "rung" || !longPollHandsOut) {
      // A poll that ended because something changed invites the runner to ask again at once.
      if (rung !== "rung") call.whenDelivered(cameToNothing);
      return emptyAnswer(204, polling);
    }
    job = take();
  }
  if (job === undefined) {
    call.whenDelivered(cameToNothing);
    return emptyAnswer(204, { ...polling, "X-GitLab-Last-Update": runner.queueToken });
  }
  return handOut(state, call, asker, job);
}

function handOut(
  state: CoordinatorState,
  call: Call,
  asker: Asker,
  job: EmbeddedJob,
): Response {
  const { runner, manager, body } = asker;
  const features = isRecord(body["info"]) ? body["info"]["features"] : undefined;
  const twoPhase = state.settings.mode === "modern" && isRecord(features) &&
    features["two_phase_job_commit"] === true;
  job.session = body["session"];
  job.handOut({ runner, manager }, twoPhase ? acknowledgement(state, job) : undefined);
  return jsonAnswer(201, job.payload(job, state.baseUrl(call)));
}

/** The time a runner has to accept the job, and what happens after it. */
export function acknowledgement(state: CoordinatorState, job: EmbeddedJob) {
  const lapsed = () => {
    state.emit({ kind: "job", text: `job ${job.id} was not accepted in time, offered again` });
    state.queue.add(job);
  };
  return { windowMs: state.settings.ackWindowMs, lapsed };
}
