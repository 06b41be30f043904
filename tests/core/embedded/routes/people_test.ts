/** The API that people's programs read jobs with, in the shapes of GitLab's documentation. */

import { afterEach, beforeEach, expect, test } from "bun:test";

import { EmbeddedCoordinator } from "../../../../core/embedded/coordinator.ts";
import { TestRunner } from "../client.ts";

const REPOSITORY = { path: "group/app", ref: "main", sha: "ab".repeat(20) };
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let coordinator: EmbeddedCoordinator;
let runner: TestRunner;

beforeEach(async () => {
  coordinator = await EmbeddedCoordinator.start();
  runner = new TestRunner(coordinator);
});
afterEach(() => coordinator.stop());

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${coordinator.url}/api/v4/${path}`, { headers });
}

async function answer(path: string, headers: Record<string, string> = {}) {
  const response = await get(path, headers);
  return [response.status, await response.json()];
}

function enqueue(name: string, pipeline = 7) {
  return coordinator.enqueue({ name, script: "true", pipeline, repository: REPOSITORY });
}

test("a job and its pipeline have the fields that GitLab documents", async () => {
  const { token } = coordinator.people.addToken();
  const job = enqueue("test");
  const headers = { "PRIVATE-TOKEN": token };
  const jobPath = `projects/group%2Fapp/jobs/${job.id}`;
  expect(await answer(jobPath, headers)).toMatchObject([200, {
    status: "pending",
    started_at: null,
    finished_at: null,
    duration: null,
    runner: null,
    artifacts: [],
  }]);
  const handed = await runner.takeAndAccept();
  const running = await answer("projects/group%2Fapp/pipelines/7", headers);
  expect(running).toMatchObject([200, { status: "running", finished_at: null, duration: null }]);
  await runner.finish(handed, "text", { state: "failed", failure_reason: "script_failure" });
  expect(await answer(jobPath, headers)).toMatchObject([200, {
    id: job.id,
    status: "failed",
    failure_reason: "script_failure",
    stage: "test",
    name: "test",
    ref: "main",
    tag: false,
    coverage: null,
    allow_failure: false,
    created_at: TIME,
    started_at: TIME,
    finished_at: TIME,
    erased_at: null,
    duration: expect.any(Number),
    queued_duration: expect.any(Number),
    user: { id: 1, username: "user", state: "active" },
    commit: { id: REPOSITORY.sha, short_id: "abababab" },
    pipeline: { id: 7, project_id: 1, ref: "main", sha: REPOSITORY.sha, status: "failed" },
    web_url: `${coordinator.url}/group/app/-/jobs/${job.id}`,
    project: { ci_job_token_scope_enabled: false },
    artifacts_expire_at: null,
    runner: { id: runner.runner.id, runner_type: "instance_type", status: "online" },
    tag_list: [],
  }]);
  expect(await answer("projects/group%2Fapp/pipelines/7", headers)).toMatchObject([200, {
    id: 7,
    iid: 7,
    sha: REPOSITORY.sha,
    before_sha: "0".repeat(40),
    ref: "main",
    tag: false,
    status: "failed",
    source: "web",
    yaml_errors: null,
    created_at: TIME,
    updated_at: TIME,
    started_at: TIME,
    finished_at: TIME,
    committed_at: null,
    duration: 0,
    coverage: null,
    web_url: `${coordinator.url}/group/app/-/pipelines/7`,
    detailed_status: { group: "failed", details_path: "/group/app/-/pipelines/7" },
  }]);
});

test("lists come newest first, without jobs that were run again, a page at a time", async () => {
  const { token } = coordinator.people.addToken();
  const [first, again, other] = ["test", "test", "other"].map((name) => enqueue(name));
  enqueue("elsewhere", 8);
  const list = async (query: string) => {
    const path = `projects/group%2Fapp/pipelines/7/jobs${query}`;
    const response = await get(path, { "PRIVATE-TOKEN": token });
    const jobs = await response.json() as readonly { readonly id: number }[];
    return { ids: jobs.map(({ id }) => id), headers: response.headers };
  };
  expect((await list("")).ids).toEqual([other?.id, again?.id].map(Number));
  const { ids, headers } = await list("?include_retried=true&per_page=2&page=2");
  expect(ids).toEqual([Number(first?.id)]);
  expect(
    ["Total", "Total-Pages", "Page", "Per-Page", "Next-Page", "Prev-Page"].map((name) =>
      headers.get(`X-${name}`)
    ),
  ).toEqual(["3", "2", "2", "2", "", "1"]);
  const url = `${coordinator.url}/api/v4/projects/group%2Fapp/pipelines/7/jobs`;
  expect(headers.get("Link")).toBe(
    ['1>; rel="prev"', '1>; rel="first"', '2>; rel="last"'].map((end) =>
      `<${url}?include_retried=true&per_page=2&page=${end}`
    ).join(", "),
  );
});

test("a token is taken as an access token's header, a bearer's, or a parameter", async () => {
  const { token } = coordinator.people.addToken();
  enqueue("test");
  const path = "projects/group%2Fapp";
  expect((await get(path, { "PRIVATE-TOKEN": token })).status).toBe(200);
  expect((await get(path, { Authorization: `Bearer ${token}` })).status).toBe(200);
  expect((await get(`${path}?private_token=${token}`)).status).toBe(200);
});

test("a private project is not there for those without a token", async () => {
  const { token } = coordinator.people.addToken({ scopes: ["read_repository"] });
  const job = enqueue("test");
  const path = `projects/group%2Fapp/jobs/${job.id}`;
  expect(await answer(path)).toEqual([404, { message: "404 Project Not Found" }]);
  expect(await answer("groups/group/variables")).toEqual([404, {
    message: "404 Group Not Found",
  }]);
  expect(await answer("version")).toEqual([401, { message: "401 Unauthorized" }]);
  expect(await answer(path, { "PRIVATE-TOKEN": "glpat-wrong" }))
    .toEqual([401, { message: "401 Unauthorized" }]);
  expect(await answer(path, { "PRIVATE-TOKEN": token })).toMatchObject([403, {
    error: "insufficient_scope",
    scope: "api read_api",
  }]);
  const reader = coordinator.people.addToken().token;
  expect(await answer("projects/group%2Fgone", { "PRIVATE-TOKEN": reader }))
    .toEqual([404, { message: "404 Project Not Found" }]);
  expect(await answer("projects/group%2Fapp/jobs/4711", { "PRIVATE-TOKEN": reader }))
    .toEqual([404, { message: "404 Not Found" }]);
});

test("a job's token opens artifacts while the job runs, and nothing else", async () => {
  const build = enqueue("build");
  const handed = await runner.takeAndAccept();
  const path = `projects/group%2Fapp/jobs/${build.id}`;
  const asJob = { "JOB-TOKEN": handed.token };
  expect((await get(path, asJob)).status).toBe(404);
  const uploaded = await runner.upload(handed, new TextEncoder().encode("bytes"));
  expect(uploaded.status).toBe(201);
  const download = await get(`${path}/artifacts`, asJob);
  expect([download.status, await download.text()]).toEqual([200, "bytes"]);
  await runner.finish(handed, "");
  expect((await get(`${path}/artifacts`, asJob)).status).toBe(401);
});
