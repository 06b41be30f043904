/** Asking the coordinator for a job. */

import type { TlsMaterial } from "../job/spec.ts";
import { type Answer, errorMessage, rejected, statusLine } from "./answer.ts";
import type { JobRequest, JobRequestOptions, JobRequestOutcome } from "./coordinator.ts";
import { readJobPayload } from "./job_payload.ts";
import { answerFields, infoBody, type RunnerApi } from "./runner_api.ts";

/** Workhorse refuses longer requests with 413. */
const LONGEST_REQUEST = 32 * 1024;

const CHECKING = "Checking for jobs...";

/**
 * `tlsMaterial` reads what the job is given of the connection it came on. The signal ends the wait
 * for a job, never the handling of one that has come.
 */
export async function requestJob(
  api: RunnerApi,
  request: JobRequest,
  options: JobRequestOptions & { readonly tlsMaterial: () => Promise<TlsMaterial> },
): Promise<JobRequestOutcome> {
  const { signal, onRepeat } = options;
  const body = requestBody(api, request);
  const size = Buffer.byteLength(JSON.stringify(body));
  if (size > LONGEST_REQUEST) {
    const message = `The job request is ${size} bytes long, GitLab accepts ${LONGEST_REQUEST}; ` +
      "shorten the runner's labels or the session server's certificate";
    api.logger.error(`${CHECKING} failed`, { error: message });
    return { kind: "rejected", status: 413, message };
  }
  const answer = await api.json({
    method: "POST",
    path: "jobs/request",
    header: { header: "Runner-Token", value: api.token },
    body,
    repeat: "unless-taken",
    metric: "request_job",
  }, { signal, onRepeat });
  if ("kind" in answer) {
    api.logger.warning(`${CHECKING} failed`, { error: answer.message });
    return answer;
  }
  if (answer.status !== 201) return withoutJob(api, answer);
  const outcome = withJob(api, answer);
  return outcome.kind === "job" ? { ...outcome, tls: await options.tlsMaterial() } : outcome;
}

function requestBody(api: RunnerApi, request: JobRequest): object {
  return {
    token: api.token.reveal(),
    ...api.identity,
    ...(api.lastUpdate === "" ? {} : { last_update: api.lastUpdate }),
    info: infoBody(request.info),
    ...(request.session === undefined ? {} : { session: request.session }),
  };
}

function withJob(api: RunnerApi, answer: Answer): JobRequestOutcome {
  const fail = (problem: string, job?: number) =>
    api.logger.error(`${CHECKING} failed`, { ...answerFields(answer), job, error: problem });
  // A job nobody accepted falls back to the queue, which is kinder to it than failing it here.
  if (answer.cut !== undefined) {
    const message = `The answer with the job was cut (${answer.cut})`;
    fail(message);
    return { kind: "unreachable", message };
  }
  const payload = readJobPayload(answer);
  switch (payload.kind) {
    case "job": {
      const { job } = payload;
      api.logger.info(`${CHECKING} received`, {
        job: job.id,
        repo_url: withoutCredentials(job.git_info.repo_url),
        correlation_id: answer.correlationId,
      });
      return { kind: "job", job, tls: {}, correlationId: answer.correlationId };
    }
    case "unusable-job":
      fail(payload.problem, payload.job.id);
      return payload;
    case "unreadable":
      fail(payload.problem);
      return { kind: "unreachable", message: payload.problem };
  }
}

function withoutJob(api: RunnerApi, answer: Answer): JobRequestOutcome {
  const fields = answerFields(answer);
  switch (answer.status) {
    case 204:
      api.logger.debug(`${CHECKING} no content`, fields);
      return { kind: "no-job" };
    case 403:
      api.logger.error(`${CHECKING} forbidden`, { ...fields, error: errorMessage(answer) });
      return { kind: "forbidden", message: errorMessage(answer) };
    case 409:
      api.logger.debug(`${CHECKING} conflict`, fields);
      return { kind: "conflict" };
    case 413:
      api.logger.error(`${CHECKING} failed`, { ...fields, error: errorMessage(answer) });
      return rejected(answer);
    default:
      api.logger.warning(`${CHECKING} failed`, {
        ...fields,
        status: statusLine(answer),
        error: errorMessage(answer),
      });
      return rejected(answer);
  }
}

/** Clone URLs of older servers hold the job token. */
function withoutCredentials(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, "$1");
}
