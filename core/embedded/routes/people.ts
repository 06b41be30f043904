/** The part of GitLab's API that people's programs read jobs with: jobs, pipelines, variables. */

import type { Context, Hono } from "hono";
import { SERVER_VERSION } from "../../job/predefined_variables.ts";
import { apiError, jsonAnswer } from "../answers.ts";
import { downloadAnswer } from "../artifact_store.ts";
import { isRecord } from "../call.ts";
import { PROJECT_ID } from "../payload.ts";
import type { AccessToken } from "../people.ts";
import { described, type DescribedJob, jobView, pathOf, pipelineView } from "../people_views.ts";
import type { CoordinatorState, RouteEnvironment } from "../state.ts";

type RouteContext = Context<RouteEnvironment>;
type Answer = Response | Promise<Response>;

export function addPeopleRoutes(app: Hono<RouteEnvironment>, state: CoordinatorState): void {
  const get = (path: string, answer: (c: RouteContext) => Answer): void => {
    app.get(`/api/v4/${path}`, (c) => refusal(state, c) ?? answer(c));
  };
  const download = (path: string, answer: (c: RouteContext) => Answer): void => {
    app.get(`/api/v4/${path}`, (c) => refusalOfDownload(state, c) ?? answer(c));
  };
  get("version", () => jsonAnswer(200, { version: SERVER_VERSION, revision: "0123abcd" }));
  get("admin/ci/variables", () => apiError(403));
  get("groups/:group/variables", (c) => variables(state, c, c.req.param("group") ?? ""));
  get("projects/:project", (c) => project(state, c));
  get("projects/:project/variables", (c) => variables(state, c, c.req.param("project") ?? ""));
  get("projects/:project/jobs/:job", (c) => {
    const job = jobOf(state, c);
    return job === undefined ? notFound() : jsonAnswer(200, view(state, c, job));
  });
  download("projects/:project/jobs/:job/artifacts", (c) => artifacts(state, c));
  download("projects/:project/jobs/artifacts/:ref/download", (c) => latestArtifacts(state, c));
  get("projects/:project/pipelines/:pipeline", (c) => pipeline(state, c));
  get(
    "projects/:project/pipelines/:pipeline/jobs",
    (c) => page(state, c, listedJobs(state, c).map((job) => view(state, c, job))),
  );
  get(
    "projects/:project/pipelines/:pipeline/variables",
    (c) => variables(state, c, Number(c.req.param("pipeline"))),
  );
  get("projects/:project/repository/branches/:name", (c) => ref(state, c, "heads"));
  get("projects/:project/repository/tags/:name", (c) => ref(state, c, "tags"));
  app.post("/api/graphql", async (c) => refusal(state, c) ?? await graphql(state, c));
}

/** A private project is not there for those who show no token, and no token opens what it may not. */
function refusal(state: CoordinatorState, c: RouteContext): Response | undefined {
  const shown = shownToken(c);
  if (shown === undefined) {
    if (c.req.param("project") !== undefined) return notFound("Project");
    return c.req.param("group") === undefined ? apiError(401) : notFound("Group");
  }
  const token = state.people.token(shown);
  if (token === undefined) return apiError(401);
  return token.scopes.includes("read_api") ? undefined : jsonAnswer(403, {
    error: "insufficient_scope",
    error_description: "The request requires higher privileges than provided by the access token.",
    scope: "api read_api",
  });
}

/** Any access token goes as a bearer's, too. */
function shownToken(c: RouteContext): string | undefined {
  const bearer = /^Bearer (.+)$/.exec(c.env.call.header("Authorization") ?? "")?.[1];
  return c.env.call.header("Private-Token") ?? c.req.query("private_token") ?? bearer;
}

/** Jobs may fetch the artifacts of others while they run. */
function refusalOfDownload(state: CoordinatorState, c: RouteContext): Response | undefined {
  const token = c.env.call.header("Job-Token") ?? c.req.query("job_token");
  if (token === undefined) return refusal(state, c);
  return state.jobs.withToken(token)?.isRunning === true ? undefined : apiError(401);
}

function tokenOf({ people }: CoordinatorState, c: RouteContext): AccessToken | undefined {
  return people.token(shownToken(c));
}

/** `{"message": "404 Project Not Found"}`. */
function notFound(what?: string): Response {
  return what === undefined ? apiError(404) : jsonAnswer(404, { message: `404 ${what} Not Found` });
}

function project({ people, jobs }: CoordinatorState, c: RouteContext): Response {
  const path = c.req.param("project") ?? "";
  if (!described(jobs.all()).some((job) => pathOf(job) === path)) return notFound("Project");
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
function variables(state: CoordinatorState, c: RouteContext, where: string | number): Response {
  if (tokenOf(state, c)?.role !== "maintainer") return apiError(403);
  return page(state, c, state.people.variables.get(where) ?? []);
}

function pipeline(state: CoordinatorState, c: RouteContext): Response {
  const [job] = pipelineJobs(state, c);
  return job === undefined ? notFound() : jsonAnswer(200, pipelineView(viewContext(state, c, job)));
}

function view(state: CoordinatorState, c: RouteContext, job: DescribedJob) {
  return jobView(job, state.artifacts.of(job.id), viewContext(state, c, job));
}

function viewContext(state: CoordinatorState, c: RouteContext, job: DescribedJob) {
  const { pipeline: id } = job.description;
  return {
    baseUrl: state.baseUrl(c.env.call),
    pipeline: jobsOf(state, pathOf(job), id),
    isChild: state.people.parents.has(id),
  };
}

function artifacts(state: CoordinatorState, c: RouteContext): Response {
  const job = jobOf(state, c);
  const found = job && state.artifacts.find(job.id, c.req.query("file_type"));
  return found === undefined ? notFound() : downloadAnswer(found, c.env.call.header("Range"));
}

/** Of the last job of that name that went well on the ref. */
function latestArtifacts(state: CoordinatorState, c: RouteContext): Response {
  const job = described(state.jobs.all()).findLast((one) =>
    pathOf(one) === c.req.param("project") && one.name === c.req.query("job") &&
    one.description.repository?.ref === c.req.param("ref") && one.state === "success"
  );
  const found = job && state.artifacts.find(job.id);
  return found === undefined ? notFound() : downloadAnswer(found, c.env.call.header("Range"));
}

async function ref(state: CoordinatorState, c: RouteContext, kind: string): Promise<Response> {
  const name = c.req.param("name") ?? "";
  const sha = await state.git?.resolve(c.req.param("project") ?? "", `refs/${kind}/${name}`);
  if (sha === undefined) return notFound(kind === "heads" ? "Branch" : "Tag");
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

function pipelineJobs(state: CoordinatorState, c: RouteContext): readonly DescribedJob[] {
  return jobsOf(state, c.req.param("project") ?? "", Number(c.req.param("pipeline")));
}

function jobsOf({ jobs }: CoordinatorState, path: string, id: number): readonly DescribedJob[] {
  return described(jobs.all()).filter((job) =>
    job.description.pipeline === id && pathOf(job) === path
  );
}

/** The newest first, and of those that were run again only the last. */
function listedJobs(state: CoordinatorState, c: RouteContext): readonly DescribedJob[] {
  const jobs = pipelineJobs(state, c).toReversed();
  if (c.req.query("include_retried") === "true") return jobs;
  return jobs.filter(({ name }, at) => jobs.findIndex((job) => job.name === name) === at);
}

const DEFAULT_PAGE = 20;
const LARGEST_PAGE = 100;

/** One page of a list, with the headers that lead to the others. */
function page(state: CoordinatorState, c: RouteContext, items: readonly unknown[]): Response {
  const size = Math.min(positive(c.req.query("per_page")) ?? DEFAULT_PAGE, LARGEST_PAGE);
  const at = positive(c.req.query("page")) ?? 1;
  const last = Math.max(1, Math.ceil(items.length / size));
  const { path, url } = c.env.call;
  const link = (to: number, rel: string) => {
    const query = new URLSearchParams(url.searchParams);
    query.set("page", String(to));
    query.set("per_page", String(size));
    return `<${state.baseUrl(c.env.call)}${path}?${query}>; rel="${rel}"`;
  };
  return jsonAnswer(200, items.slice((at - 1) * size, at * size), {
    Link: [
      ...(at > 1 ? [link(at - 1, "prev")] : []),
      ...(at < last ? [link(at + 1, "next")] : []),
      link(1, "first"),
      link(last, "last"),
    ].join(", "),
    "X-Next-Page": at < last ? String(at + 1) : "",
    "X-Page": String(at),
    "X-Per-Page": String(size),
    "X-Prev-Page": at > 1 ? String(at - 1) : "",
    "X-Total": String(items.length),
    "X-Total-Pages": String(last),
  });
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : undefined;
}
