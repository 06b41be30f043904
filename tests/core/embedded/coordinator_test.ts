import { afterEach, expect, test } from "bun:test";

import { EmbeddedCoordinator } from "../../../core/embedded/coordinator.ts";
import type { CoordinatorOptions } from "../../../core/embedded/options.ts";
import { JobResponse } from "../../../core/job/response.ts";
import { rules, TestRunner } from "./client.ts";

const started: EmbeddedCoordinator[] = [];

async function start(options: CoordinatorOptions = {}) {
  const coordinator = await EmbeddedCoordinator.start(options);
  started.push(coordinator);
  return { coordinator, runner: new TestRunner(coordinator) };
}

afterEach(async () => {
  for (const coordinator of started.splice(0)) await coordinator.stop();
});

test("EmbeddedCoordinator runs a job from request to final update without findings", async () => {
  const { coordinator, runner } = await start();
  const job = coordinator.enqueue({ script: "echo hello" });
  const handed = await runner.take();
  expect(handed.id).toBe(job.id);
  expect(job.state).toBe("waiting");
  const accepted = await runner.update(handed, { state: "running" });
  expect(accepted.headers.get("Job-Status")).toBe("running");
  expect(await job.accepted).toBe(true);
  const patched = await runner.patch(handed, 0, "hello\n");
  expect(patched.status).toBe(202);
  expect(patched.headers.get("Range")).toBe("0-6");
  expect(patched.headers.get("X-GitLab-Trace-Update-Interval")).toBe("60");
  expect((await runner.finish(handed, "hello\n")).headers.get("Job-Status")).toBe("success");
  expect(await job.finished).toMatchObject({ state: "success", checksum: "match" });
  expect(await job.trace.text()).toBe("hello\n");
  expect(coordinator.findings()).toEqual([]);
});

test("EmbeddedCoordinator sends a payload that JobResponse reads", async () => {
  const { coordinator, runner } = await start();
  coordinator.enqueue({
    name: "unit",
    script: "make\nmake test",
    afterScript: ["echo done"],
    image: "alpine:3",
    services: ["redis:7"],
    variables: { A: "1", S: { value: "hidden", masked: true } },
    repository: { path: "group/demo", sha: "a".repeat(40) },
  });
  const handed = await runner.take();
  const job = JobResponse.parse(handed.payload);
  expect(job.steps.map((step) => step.script)).toEqual([["make", "make test"], ["echo done"]]);
  expect(job.image?.name).toBe("alpine:3");
  const values = new Map(job.variables.map((variable) => [variable.key, variable]));
  expect(values.get("CI_JOB_TOKEN")).toMatchObject({ value: handed.token, masked: true });
  expect(values.get("CI_COMMIT_SHORT_SHA")?.value).toBe("aaaaaaaa");
  expect(values.get("CI_API_V4_URL")?.value).toBe(`${coordinator.url}/api/v4`);
  expect(values.get("S")).toMatchObject({ value: "hidden", masked: true });
  expect(values.has("GIT_STRATEGY")).toBe(false);
  expect(job.git_info.repo_url).toContain(`gitlab-ci-token:${handed.token}@127.0.0.1`);
  expect(job.git_info.refspecs).toEqual(["+refs/heads/main:refs/remotes/origin/main"]);
  expect(job.features.failure_reasons).toContain("runner_interrupted");
  expect(job.features.failure_reasons).not.toContain("image_pull_failure");
});

test("EmbeddedCoordinator answers 204 with its queue value, and searches when it has changed", async () => {
  const { coordinator, runner } = await start();
  const first = await runner.request();
  expect(first.status).toBe(204);
  const value = first.headers.get("X-GitLab-Last-Update");
  expect(value).toMatch(/^[0-9a-f]{32}$/);
  coordinator.enqueue({ script: "true" });
  coordinator.enqueue({ script: "true" });
  const second = await runner.request();
  expect(second.status).toBe(201);
  expect(second.headers.has("X-GitLab-Last-Update")).toBe(false);
  expect((await runner.request()).status).toBe(201);
});

test("Long poll ends with an empty 204 when a job comes, as GitLab's does", async () => {
  const { coordinator, runner } = await start({ longPollMs: 5000 });
  await runner.request();
  const poll = runner.request();
  await Bun.sleep(30);
  const before = performance.now();
  coordinator.enqueue({ script: "true" });
  const answer = await poll;
  expect(performance.now() - before).toBeLessThan(1000);
  expect(answer.status).toBe(204);
  expect(answer.headers.has("X-GitLab-Last-Update")).toBe(false);
  expect((await runner.request()).status).toBe(201);
});

test("Long poll that hands out answers with the job itself, and gives up when time is over", async () => {
  const { coordinator, runner } = await start({ longPollMs: 100, longPollHandsOut: true });
  for (const request of ["first", "second"]) {
    const started = performance.now();
    expect([request, (await runner.request()).status]).toEqual([request, 204]);
    expect(performance.now() - started).toBeGreaterThan(90);
  }
  const poll = runner.request();
  await Bun.sleep(20);
  coordinator.enqueue({ script: "true" });
  expect((await poll).status).toBe(201);
});

test("Long poll left by its runner takes no job", async () => {
  const { coordinator, runner } = await start({ longPollMs: 5000, longPollHandsOut: true });
  const leaving = new AbortController();
  const poll = runner.request({ signal: leaving.signal }).catch(() => "left");
  await Bun.sleep(30);
  leaving.abort();
  expect(await poll).toBe("left");
  await Bun.sleep(30);
  const job = coordinator.enqueue({ script: "true" });
  expect((await runner.request()).status).toBe(201);
  expect(job.state).toBe("waiting");
});

test("Unaccepted job goes to another runner after the acknowledgement window", async () => {
  const { coordinator, runner } = await start({ ackWindowMs: 40 });
  const job = coordinator.enqueue({ script: "true" });
  const late = await runner.take();
  await Bun.sleep(80);
  expect(job.state).toBe("pending");
  expect((await runner.update(late, { state: "running" })).status).toBe(400);
  const other = new TestRunner(coordinator);
  expect((await other.takeAndAccept()).id).toBe(job.id);
});

test("Final update before acceptance is refused with 400", async () => {
  const { coordinator, runner } = await start();
  coordinator.enqueue({ script: "true" });
  const handed = await runner.take();
  expect((await runner.update(handed, { state: "failed" })).status).toBe(400);
  const patch = await runner.patch(handed, 0, "x");
  expect([patch.status, patch.headers.get("Job-Status")]).toEqual([403, "pending"]);
});

test("Trace patch at another offset is answered 416 with the stored size", async () => {
  const { coordinator, runner } = await start();
  const job = coordinator.enqueue({ script: "true" });
  const handed = await runner.takeAndAccept();
  await runner.patch(handed, 0, "12345");
  const gap = await runner.patch(handed, 7, "8");
  expect([gap.status, gap.headers.get("Range")]).toEqual([416, "0-5"]);
  const again = await runner.patch(handed, 0, "12345");
  expect([again.status, again.headers.get("Range")]).toEqual([416, "0-5"]);
  expect(await job.trace.text()).toBe("12345");
  job.trace.truncate(2);
  const lost = await runner.patch(handed, 5, "6");
  expect(lost.headers.get("Range")).toBe("0-2");
  await runner.patch(handed, 2, "345");
  expect(await job.trace.text()).toBe("12345");
  expect((await runner.finish(handed, "12345")).status).toBe(200);
  expect((await job.finished).checksum).toBe("match");
});

test("Trace over its limit fails the job", async () => {
  const { coordinator, runner } = await start({ traceLimitBytes: 4 });
  const job = coordinator.enqueue({ script: "true" });
  const handed = await runner.takeAndAccept();
  const answer = await runner.patch(handed, 0, "12345");
  expect([answer.status, answer.headers.get("Job-Status")]).toEqual([403, "failed"]);
  expect((await job.finished).failureReason).toBe("trace_size_exceeded");
});

test("Graceful cancel goes through canceling and ends as canceled", async () => {
  const { coordinator, runner } = await start();
  const job = coordinator.enqueue({ script: "sleep 100" });
  const handed = await runner.takeAndAccept();
  coordinator.cancel(job);
  const patch = await runner.patch(handed, 0, "x");
  expect([patch.status, patch.headers.get("Job-Status")]).toEqual([202, "canceling"]);
  expect((await runner.finish(handed, "x", { state: "failed" })).status).toBe(200);
  expect((await job.finished).state).toBe("canceled");
});

test("Cancel is at once when forced, and for a manager that cannot stop gracefully", async () => {
  const { coordinator, runner } = await start();
  const forced = coordinator.enqueue({ script: "true" });
  const handed = await runner.takeAndAccept();
  coordinator.cancel(forced, "forced");
  const patch = await runner.patch(handed, 0, "x");
  expect([patch.status, patch.headers.get("Job-Status")]).toEqual([403, "canceled"]);
  runner.features = {};
  const plain = coordinator.enqueue({ script: "true" });
  await runner.take();
  coordinator.cancel(plain);
  expect(plain.state).toBe("canceled");
});

test("Cancel before acceptance is told with the acceptance", async () => {
  const { coordinator, runner } = await start();
  const job = coordinator.enqueue({ script: "true" });
  const handed = await runner.take();
  coordinator.cancel(job);
  const answer = await runner.update(handed, { state: "running" });
  expect([answer.status, answer.headers.get("Job-Status")]).toEqual([200, "canceling"]);
});

test("Final update waits with 202 while log chunks move, then ends the job", async () => {
  const { coordinator, runner } = await start({ chunksMovingMs: 60 });
  const job = coordinator.enqueue({ script: "true" });
  const handed = await runner.takeAndAccept();
  const first = await runner.finish(handed, "");
  expect([first.status, first.headers.get("X-GitLab-Trace-Update-Interval")]).toEqual([202, "1"]);
  expect(job.isOver).toBe(false);
  await Bun.sleep(70);
  expect((await runner.finish(handed, "")).status).toBe(200);
  expect(coordinator.findings()).toEqual([]);
});

test("Wrong checksum is a finding, and refused with 412 when asked for", async () => {
  const { coordinator, runner } = await start({ refuseWrongChecksum: true });
  const job = coordinator.enqueue({ script: "true" });
  const handed = await runner.takeAndAccept();
  await runner.patch(handed, 0, "abc");
  expect((await runner.finish(handed, "abd")).status).toBe(412);
  coordinator.settings.refuseWrongChecksum = false;
  expect((await runner.finish(handed, "abd")).status).toBe(200);
  expect((await job.finished).checksum).toBe("mismatch");
  expect(rules(coordinator)).toEqual(["trace-checksum"]);
});

test("Unknown failure reason becomes unknown_failure, and 400 at a v11.7 server", async () => {
  const { coordinator, runner } = await start();
  const job = coordinator.enqueue({ script: "true" });
  const handed = await runner.takeAndAccept();
  await runner.finish(handed, "", {
    state: "failed",
    failure_reason: "image_pull_failure",
    exit_code: 99_999,
  });
  expect(await job.finished).toMatchObject({ failureReason: "unknown_failure", exitCode: 32_767 });
  coordinator.settings.mode = "v11.7";
  coordinator.enqueue({ script: "true" });
  const old = await runner.take();
  const refused = await runner.finish(old, "", { state: "failed", failure_reason: "job_canceled" });
  expect(refused.status).toBe(400);
  const accepted = await runner.finish(old, "", {
    state: "failed",
    failure_reason: "script_failure",
  });
  expect([accepted.status, accepted.headers.get("Job-Status")]).toEqual([200, null]);
});

test("v11.7 mode knows no acceptance, no refspecs, no update interval", async () => {
  const { coordinator, runner } = await start({ mode: "v11.7" });
  const job = coordinator.enqueue({ script: "true", repository: { path: "g/p" } });
  const handed = await runner.take();
  expect(job.state).toBe("running");
  expect(handed.payload.git_info).not.toContainKey("refspecs");
  expect(handed.payload.features).toEqual({ trace_sections: true });
  expect(handed.payload.variables[0]).not.toContainKey("masked");
  const patch = await runner.patch(handed, 0, "x");
  expect([patch.status, patch.headers.get("X-GitLab-Trace-Update-Interval")]).toEqual([202, null]);
  await runner.update(handed, { state: "success", trace: "whole log" });
  expect(await job.trace.text()).toBe("whole log");
});

test("Register, verify, reset and unregister follow one runner", async () => {
  const { coordinator, runner } = await start({ registrationToken: "join-us" });
  const runners = (method: string, path: string, token: string, more = {}) =>
    runner.call(method, `/api/v4/runners${path}`, {
      headers: path === "/reset_authentication_token" ? {} : { "Runner-Token": token },
      json: { token, ...more },
    });
  expect((await runners("POST", "", "wrong")).status).toBe(403);
  const registered = await runners("POST", "", "join-us", {
    tag_list: "a, b",
    run_untagged: false,
  });
  expect(registered.status).toBe(201);
  const { id, token } = await registered.json() as { id: number; token: string };
  const known = coordinator.runners().find((each) => each.id === id);
  expect(known?.tags).toEqual(["a", "b"]);
  expect(token).toStartWith("glrtr-");
  const verified = await runners("POST", "/verify", token, { system_id: "s_1" });
  expect(await verified.json()).toEqual({ id, token, token_expires_at: null });
  const reset = await runners("POST", "/reset_authentication_token", token);
  const fresh = await reset.json() as { token: string };
  expect(reset.status).toBe(201);
  expect((await runners("POST", "/verify", token)).status).toBe(403);
  expect((await runners("DELETE", "/managers", fresh.token, { system_id: "s_2" })).status).toBe(
    404,
  );
  expect((await runners("DELETE", "/managers", fresh.token, { system_id: "s_1" })).status).toBe(
    204,
  );
  expect((await runners("DELETE", "", fresh.token)).status).toBe(204);
  expect((await runners("DELETE", "", fresh.token)).status).toBe(403);
  expect(coordinator.findings()).toEqual([]);
});

test("Jobs go to runners with all their tags, or to the one they are reserved for", async () => {
  const { coordinator, runner } = await start();
  const tagged = new TestRunner(
    coordinator,
    coordinator.addRunner({ tags: ["a"], runUntagged: false }),
  );
  coordinator.enqueue({ script: "true", tags: ["a"] });
  coordinator.enqueue({ script: "true" }, { runner: runner.runner });
  expect((await tagged.request()).status).toBe(201);
  expect((await tagged.request()).status).toBe(204);
  expect((await runner.request()).status).toBe(201);
});

test("Rate limits answer 429 with a time to wait", async () => {
  const { runner } = await start({ jobRequestsPerMinute: 1 });
  await runner.request();
  const refused = await runner.request();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
});

test("Job request over 32 KiB is refused with 413", async () => {
  const { runner } = await start();
  const answer = await runner.call("POST", "/api/v4/jobs/request", {
    json: { token: runner.runner.token, info: { name: "x".repeat(33 * 1024) } },
  });
  expect(answer.status).toBe(413);
});

test("suspend refuses connections, and resume keeps port and jobs", async () => {
  const { coordinator, runner } = await start();
  const job = coordinator.enqueue({ script: "true" });
  const handed = await runner.takeAndAccept();
  await runner.patch(handed, 0, "one ");
  await coordinator.suspend();
  expect(await runner.patch(handed, 4, "two").catch(() => "refused")).toBe("refused");
  await coordinator.resume();
  expect((await runner.patch(handed, 4, "two")).status).toBe(202);
  expect(await job.trace.text()).toBe("one two");
});

test("Relative URL root stands in front of every path and of the job's URLs", async () => {
  const { coordinator, runner } = await start({ relativeRoot: "/gitlab" });
  expect(coordinator.url).toEndWith("/gitlab");
  coordinator.enqueue({ script: "true" });
  const { payload } = await runner.take();
  expect(payload.git_info.repo_url).toContain("/gitlab/local/sample.git");
  expect((await fetch(`${coordinator.url}/api/jobs`)).status).toBe(200);
});

test("TLS certificate can be replaced while jobs go on, and URLs are https", async () => {
  const [old, fresh] = await Promise.all([selfSigned(), selfSigned()]);
  const { coordinator } = await start({ tls: old });
  const ask = (ca: string) => fetch(`${coordinator.url}/api/jobs`, { tls: { ca } });
  expect(coordinator.url).toStartWith("https://127.0.0.1:");
  expect((await ask(old.cert)).status).toBe(200);
  expect(await ask(fresh.cert).catch(() => "refused")).toBe("refused");
  await coordinator.suspend();
  await coordinator.resume(fresh);
  expect((await ask(fresh.cert)).status).toBe(200);
  expect(await ask(old.cert).catch(() => "refused")).toBe("refused");
  const runner = coordinator.addRunner();
  coordinator.enqueue({ script: "true" });
  const answer = await fetch(`${coordinator.url}/api/v4/jobs/request`, {
    method: "POST",
    body: JSON.stringify({ token: runner.token }),
    tls: { ca: fresh.cert },
  });
  const { git_info } = await answer.json() as { git_info: { repo_url: string } };
  expect(git_info.repo_url).toStartWith("https://gitlab-ci-token:");
});

async function selfSigned() {
  const options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1";
  const subject = "-subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout - -out -";
  const openssl = Bun.spawn(["openssl", ...options.split(" "), ...subject.split(" ")], {
    stderr: "ignore",
  });
  const pem = await new Response(openssl.stdout).text();
  const part = (name: string) =>
    new RegExp(`-----BEGIN ${name}-----[^]+?-----END ${name}-----\\n`).exec(pem)?.[0] ?? "";
  return { key: part("PRIVATE KEY"), cert: part("CERTIFICATE") };
}
