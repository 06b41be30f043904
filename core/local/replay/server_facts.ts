/** What a server knows of a job, its pipeline and its project, as far as a token may read it. */

import { ConfigurationError } from "../../errors.ts";
import {
  type ApiOutcome,
  type ApiRequest,
  GitlabApi,
  type GitlabApiOptions,
  projectPath,
  type Refused,
} from "../gitlab/gitlab_api.ts";
import { TOKEN_VARIABLE } from "../gitlab/access_token.ts";
import type { JobAddress } from "./job_address.ts";
import {
  ServerJob,
  ServerMergeRequest,
  ServerPipeline,
  ServerProject,
  ServerRef,
  ServerVersion,
  TriggerJob,
} from "./server_answers.ts";

/** A job that was found, and the connection that it was found by. */
export interface FoundJob extends Disposable {
  readonly api: GitlabApi;
  readonly address: JobAddress;
  readonly job: ServerJob;
}

export interface ServerFacts {
  readonly project: ServerProject;
  readonly pipeline: ServerPipeline;
  /** Undefined: not a merge request's pipeline, or not to be had. */
  readonly mergeRequest: ServerMergeRequest | undefined;
  /** Undefined: the branch or tag is gone. */
  readonly ref: ServerRef | undefined;
  readonly version: ServerVersion | undefined;
}

/**
 * Asks for the job at each address it may have. Throws ConfigurationError that says why there is no
 * such job for this token: what is wrong can be put right by whoever called.
 */
export async function findJob(
  addresses: readonly JobAddress[],
  options: Omit<GitlabApiOptions, "server" | "token"> & {
    readonly tokenFor: (serverUrl: string) => GitlabApiOptions["token"];
  },
  signal: AbortSignal,
): Promise<FoundJob> {
  let refusal: { readonly address: JobAddress; readonly answer: Refused } | undefined;
  for (const address of addresses) {
    const token = options.tokenFor(address.serverUrl);
    const api = new GitlabApi({ ...options, server: address.serverUrl, token });
    let found = false;
    try {
      const answer = await api.get(jobRequest(address), ServerJob, signal);
      if (answer.kind === "found") {
        found = true;
        return { api, address, job: answer.value, [Symbol.dispose]: () => api[Symbol.dispose]() };
      }
      if (refusal === undefined || (answer.isGitlab && !refusal.answer.isGitlab)) {
        refusal = { address, answer };
      }
      if (answer.isGitlab) await refuseTrigger(api, address, signal);
    } finally {
      if (!found) api[Symbol.dispose]();
    }
  }
  const [first] = addresses;
  if (refusal === undefined || first === undefined) throw new ConfigurationError("No job is named");
  throw new ConfigurationError(
    refusalText(refusal.answer, refusal.address, options.tokenFor(first.serverUrl) !== undefined),
  );
}

export async function serverFacts(
  { api, address, job }: FoundJob,
  signal: AbortSignal,
): Promise<ServerFacts> {
  const project = projectPath(address.projectPath);
  const get = <T>(path: string, route: string, schema: Parameters<typeof api.get<T>>[1]) =>
    api.get({ path, route }, schema, signal);
  const [found, pipeline, version] = await Promise.all([
    get(project, "projects/:id", ServerProject),
    get(`${project}/pipelines/${job.pipeline.id}`, "projects/:id/pipelines/:id", ServerPipeline),
    get("version", "version", ServerVersion),
  ]);
  const [, iid] = /^refs\/merge-requests\/(\d+)\//.exec(job.ref) ?? [];
  const mergeRequest = iid === undefined ? undefined : await get(
    `${project}/merge_requests/${iid}`,
    "projects/:id/merge_requests/:iid",
    ServerMergeRequest,
  );
  const name = (mergeRequest && valueOf(mergeRequest)?.source_branch) ?? job.ref;
  const kind = job.tag ? "tags" : "branches";
  const ref = await get(
    `${project}/repository/${kind}/${encodeURIComponent(name)}`,
    `projects/:id/repository/${kind}/:name`,
    ServerRef,
  );
  return {
    project: needed(found, `the project ${address.projectPath}`),
    pipeline: needed(pipeline, `the pipeline of job ${address.jobId}`),
    version: valueOf(version),
    mergeRequest: mergeRequest && valueOf(mergeRequest),
    ref: valueOf(ref),
  };
}

function jobRequest({ projectPath: path, jobId }: JobAddress): ApiRequest {
  return { path: `${projectPath(path)}/jobs/${jobId}`, route: "projects/:id/jobs/:id" };
}

/** The list of jobs does not have those that start other pipelines. */
async function refuseTrigger(
  api: GitlabApi,
  { projectPath: path, jobId }: JobAddress,
  signal: AbortSignal,
): Promise<void> {
  const id = `gid://gitlab/Ci::Bridge/${jobId}`;
  const query = `{project(fullPath:${JSON.stringify(path)}){job(id:"${id}"){name kind}}}`;
  const job = valueOf(await api.query(query, TriggerJob, signal))?.data?.project?.job;
  if (job?.kind !== "BRIDGE") return;
  throw new ConfigurationError(
    `Job ${jobId} of ${path}, "${job.name}", starts a pipeline and has no script: give the ` +
      "address of a job of the pipeline that it started",
  );
}

function refusalText(
  { status, message, isGitlab }: Refused,
  { serverUrl, projectPath: path, jobId }: JobAddress,
  hasToken: boolean,
): string {
  if (!isGitlab) return `There is no GitLab at ${serverUrl}: it answers ${status}`;
  const how = `${TOKEN_VARIABLE}, or gitlab_tokens in gitlab-runner/exec-secrets.toml`;
  switch (status) {
    case 401:
      return hasToken
        ? `${serverUrl} does not take the token (${message}): it is wrong, expired or revoked`
        : `${serverUrl} wants a token (${message}): set ${how}`;
    case 403:
      return `The token may not read job ${jobId} of ${path} (${message}): it needs the scope ` +
        "read_api, and its owner the right to see the project's jobs";
    default:
      return hasToken
        ? `There is no job ${jobId} in ${path} at ${serverUrl} that the token may see (${message})`
        : `There is no job ${jobId} in ${path} at ${serverUrl} that is public (${message}): ` +
          `if it is not, set ${how}`;
  }
}

function needed<T>(answer: ApiOutcome<T>, what: string): T {
  if (answer.kind === "found") return answer.value;
  throw new ConfigurationError(`The token may not read ${what} (${answer.message})`);
}

function valueOf<T>(answer: ApiOutcome<T>): T | undefined {
  return answer.kind === "found" ? answer.value : undefined;
}
