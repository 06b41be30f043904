/** The part of GitLab's API that people's programs read jobs with: jobs, pipelines, variables. */

import type { Context, Hono } from "hono";
import { SERVER_VERSION } from "../../job/predefined_variables.ts";
import { apiError, jsonAnswer } from "../answers.ts";
import { downloadAnswer } from "../artifact_store.ts";
import { isRecord } from "../call.ts";
import type { EmbeddedJob } from "../jobs.ts";
import type { JobDescription } from "../payload.ts";
import { PROJECT_ID } from "../payload.ts";
import type { CoordinatorState, RouteEnvironment } from "../state.ts";

type RouteContext = Context<RouteEnvironment>;
type Answer = Response | Promise<Response>;
type DescribedJob = EmbeddedJob & { readonly description: JobDescription };

export function addPeopleRoutes(app: Hono<RouteEnvironment>, state: CoordinatorState): void {
  const get = (path: string, answer: (c: RouteContext) => Answer): void => {
    app.get(`/api/v4/${path}`, (c) => refusal(state, c) ?? answer(c));
  };
  get("version", () => jsonAnswer(200, { version: SERVER_VERSION, revision: "0123abcd" }));
  get("admin/ci/variables", () => apiError(403));
  get("groups/:group/variables", (c) => variables(state, c, c.req.param("group") ?? ""));
  get("projects/:project", (c) => project(state, c));
  get("projects/:project/variables", (c) => variables(state, c, c.req.param("project") ?? ""));
  get("projects/:project/jobs/:job", (c) => {
    const job = jobOf(state, c);
    return job === undefined ? apiError(404) : jsonAnswer(200, jobView(state, c, job));
  });
  get("projects/:project/jobs/:job/artifacts", (c) => artifacts(state, c));
  get("projects/:project/jobs/artifacts/:ref/download", (c) => latestArtifacts(state, c));
  get("projects/:project/pipelines/:pipeline", (c) => pipeline(state, c));
  get(
    "projects/:project/pipelines/:pipeline/jobs",
    (c) => page(c, pipelineJobs(state, c).map((job) => jobView(state, c, job))),
  );
  get(
    "projects/:project/pipelines/:pipeline/variables",
    (c) => variables(state, c, Number(c.req.param("pipeline"))),
  );
  get("projects/:project/repository/branches/:name", (c) => ref(state, c, "heads"));
  get("projects/:project/repository/tags/:name", (c) => ref(state, c, "tags"));
  app.post("/api/graphql", async (c) => refusal(state, c) ?? await graphql(state, c));
}

function refusal({ people }: CoordinatorState, c: RouteContext): Response | undefined {
  const token = people.token(c.env.call.header("Private-Token"));
  if (token === undefined) return apiError(401);
  return token.scopes.includes("read_api")
    ? undefined
    : jsonAnswer(403, { error: "insufficient_scope" });
}

function project({ people, jobs }: CoordinatorState, c: RouteContext): Response {
  const path = c.req.param("project") ?? "";
  if (!described(jobs.all()).some((job) => pathOf(job) === path)) return apiError(404, "Project");
  const [name = "", ...groups] = path.split("/").toReversed();
  return jsonAnswer(200, {
    id: PROJECT_ID,
    name,
    path_with_namespace: path,
    namespace: { id: 1, kind: "group", full_path: groups.toReversed().join("/") },
    visibility: "private",
    default_branch: "main",
    topics: [],
    ci_config_path: people.configPaths.get(path) ?? null,
    ci_default_git_depth: 20,
  });
}

/** Everywhere else nothing is said of variables to those who may not change them. */
function variables(
  { people }: CoordinatorState,
  c: RouteContext,
  where: string | number,
): Response {
  const token = people.token(c.env.call.header("Private-Token"));
  if (token?.role !== "maintainer") return apiError(403);
  return page(c, people.variables.get(where) ?? []);
}

function pipeline(state: CoordinatorState, c: RouteContext): Response {
  const [job] = pipelineJobs(state, c);
  const isChild = state.people.parents.has(Number(c.req.param("pipeline")));
  if (job === undefined) return apiError(404);
  const { pipeline: id, repository } = job.description;
  return jsonAnswer(200, {
    id,
    iid: id,
    sha: repository?.sha,
    before_sha: repository?.beforeSha,
    ref: repository?.ref,
    tag: repository?.refType === "tag",
    source: isChild ? "parent_pipeline" : "web",
    name: null,
    created_at: new Date(job.times.queued).toISOString(),
    web_url: `${state.baseUrl(c.env.call)}/${pathOf(job)}/-/pipelines/${id}`,
  });
}

function jobView(state: CoordinatorState, c: RouteContext, job: DescribedJob) {
  const { description } = job;
  return {
    id: job.id,
    name: job.name,
    stage: description.stage,
    status: job.status,
    ref: description.repository?.ref,
    tag: description.repository?.refType === "tag",
    web_url: `${state.baseUrl(c.env.call)}/${pathOf(job)}/-/jobs/${job.id}`,
    pipeline: { id: description.pipeline },
    user: { id: 1, username: "user", name: "Local User" },
    erased_at: job.erasedAt ?? null,
    artifacts_expire_at: null,
    artifacts: state.artifacts.of(job.id).map(({ type, format, filename, size }) => ({
      file_type: type,
      file_format: format,
      filename,
      size,
    })),
  };
}

function artifacts(state: CoordinatorState, c: RouteContext): Response {
  const job = jobOf(state, c);
  const found = job && state.artifacts.find(job.id, c.req.query("file_type"));
  return found === undefined ? apiError(404) : downloadAnswer(found, c.env.call.header("Range"));
}

/** Of the last job of that name that went well on the ref. */
function latestArtifacts(state: CoordinatorState, c: RouteContext): Response {
  const job = described(state.jobs.all()).findLast((one) =>
    pathOf(one) === c.req.param("project") && one.name === c.req.query("job") &&
    one.description.repository?.ref === c.req.param("ref") && one.state === "success"
  );
  const found = job && state.artifacts.find(job.id);
  return found === undefined ? apiError(404) : downloadAnswer(found, c.env.call.header("Range"));
}

async function ref(state: CoordinatorState, c: RouteContext, kind: string): Promise<Response> {
  const name = c.req.param("name") ?? "";
  const sha = await state.git?.resolve(c.req.param("project") ?? "", `refs/${kind}/${name}`);
  if (sha === undefined) return apiError(404);
  return jsonAnswer(200, { name, protected: state.people.protectedRefs.has(name) });
}

/** Two questions: which job has this id, of those that start pipelines, and who started a pipeline. */
async function graphql({ people }: CoordinatorState, c: RouteContext): Promise<Response> {
  const body = await c.env.call.json();
  const query = isRecord(body) ? String(body["query"]) : "";
  const child = /gid:\/\/gitlab\/Ci::Pipeline\/(\d+)/.exec(query)?.[1];
  if (child !== undefined) {
    const parent = people.parents.get(Number(child));
    const pipeline = parent && {
      sourceJob: { name: parent.job, id: `gid://gitlab/Ci::Bridge/${parent.jobId}` },
      upstream: { id: `gid://gitlab/Ci::Pipeline/${parent.pipeline}` },
    };
    return jsonAnswer(200, { data: { project: { pipeline: pipeline ?? null } } });
  }
  const id = Number(/gid:\/\/gitlab\/Ci::Bridge\/(\d+)/.exec(query)?.[1]);
  const job = people.triggers.find((one) =>
    one.id === id && query.includes(JSON.stringify(one.project))
  );
  return jsonAnswer(200, {
    data: { project: { job: job === undefined ? null : { name: job.name, kind: "BRIDGE" } } },
  });
}

function jobOf({ jobs }: CoordinatorState, c: RouteContext): DescribedJob | undefined {
  return described(jobs.all()).find((job) =>
    job.id === Number(c.req.param("job")) && pathOf(job) === c.req.param("project")
  );
}

function pipelineJobs({ jobs }: CoordinatorState, c: RouteContext): readonly DescribedJob[] {
  return described(jobs.all()).filter((job) =>
    job.description.pipeline === Number(c.req.param("pipeline")) &&
    pathOf(job) === c.req.param("project")
  );
}

function described(jobs: readonly EmbeddedJob[]): readonly DescribedJob[] {
  return jobs.filter((job): job is DescribedJob => job.description !== undefined);
}

function pathOf({ description }: DescribedJob): string {
  return description.repository?.path ?? "";
}

function page(c: RouteContext, items: readonly unknown[]): Response {
  const size = Number(c.req.query("per_page") ?? 20);
  const from = (Number(c.req.query("page") ?? 1) - 1) * size;
  return jsonAnswer(200, items.slice(from, from + size));
}
