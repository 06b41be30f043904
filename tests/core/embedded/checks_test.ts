import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";

import { EmbeddedCoordinator } from "../../../core/embedded/coordinator.ts";
import { rules, TestRunner } from "./client.ts";

let coordinator: EmbeddedCoordinator;
let runner: TestRunner;

beforeEach(async () => {
  coordinator = await EmbeddedCoordinator.start();
  runner = new TestRunner(coordinator);
});
afterEach(() => coordinator.stop());

async function running() {
  coordinator.enqueue({ script: "true" });
  return await runner.takeAndAccept();
}

test("Checks find a token that is only in the body", async () => {
  const { token } = runner.runner;
  await runner.call("POST", "/api/v4/jobs/request", { json: { token } });
  expect(coordinator.findings(runner.runner)).toMatchObject([
    { rule: "token-in-header-and-body", runner: runner.runner.id, count: 1 },
  ]);
});

test("Checks find a token header on a token reset", async () => {
  const { token } = runner.runner;
  await runner.call("POST", "/api/v4/runners/reset_authentication_token", {
    headers: { "Runner-Token": token },
    json: { token },
  });
  expect(rules(coordinator)).toEqual(["token-in-header-and-body"]);
});

test("Checks find a missing request id, and one used for two calls", async () => {
  const job = await running();
  const id = randomBytes(16).toString("hex");
  const put = (requestId: string) =>
    runner.call("PUT", `/api/v4/jobs/${job.id}`, {
      headers: { "Job-Token": job.token, "X-Request-Id": requestId },
      json: { token: job.token, state: "running" },
    });
  await put(id);
  expect(rules(coordinator)).toEqual([]);
  await put(id);
  expect(coordinator.findings()).toMatchObject([{ rule: "request-id", count: 1, job: job.id }]);
  await put("");
  expect(coordinator.findings()).toMatchObject([{ rule: "request-id", count: 2 }]);
});

test("Checks accept a request id repeated after a 503 and after a lost answer", async () => {
  const job = await running();
  coordinator.inject({ match: { method: "PUT" }, action: { kind: "answer", status: 503 } });
  coordinator.inject({ match: { method: "PUT" }, action: { kind: "reset" } });
  const headers = { "Job-Token": job.token, "X-Request-Id": randomBytes(16).toString("hex") };
  const json = { token: job.token, state: "running" };
  for (let attempt = 0; attempt < 3; attempt++) {
    await runner.call("PUT", `/api/v4/jobs/${job.id}`, { headers, json }).catch(() => {});
  }
  expect(coordinator.findings()).toEqual([]);
});

test("Checks find empty, too large and mislabelled patches", async () => {
  const job = await running();
  await runner.patch(job, 0, "");
  await runner.patch(job, 0, "x".repeat(1024 * 1024 + 1));
  expect(coordinator.findings()).toMatchObject([{ rule: "patch-size", count: 3 }]);
  coordinator.checks.clear();
  await runner.call("PATCH", `/api/v4/jobs/${job.id}/trace`, {
    headers: { "Job-Token": job.token, "Content-Range": "1048577-1048600" },
    body: "short",
  });
  expect(rules(coordinator)).toEqual(["patch-size"]);
});

test("Checks find calls and a second final update after the final answer", async () => {
  const job = await running();
  await runner.finish(job, "");
  expect(coordinator.findings()).toEqual([]);
  await runner.finish(job, "");
  expect(rules(coordinator)).toEqual(["one-final-update"]);
  await runner.patch(job, 0, "x");
  await runner.upload(job, new Uint8Array(1));
  expect(rules(coordinator)).toEqual(["one-final-update", "call-after-final-answer"]);
});

test("Checks find a final update without a checksum for a log", async () => {
  const job = await running();
  await runner.patch(job, 0, "x");
  await runner.update(job, { state: "success" });
  expect(rules(coordinator)).toEqual(["trace-checksum"]);
});

test("Checks find a request too soon after one that brought nothing", async () => {
  const settings = { checkIntervalMs: 100 };
  const quick = new TestRunner(coordinator, coordinator.addRunner(settings));
  await quick.request();
  await Bun.sleep(110);
  await quick.request();
  expect(coordinator.findings()).toEqual([]);
  await quick.request();
  expect(rules(coordinator)).toEqual(["request-pace"]);
});

test("Checks take check_interval from the settings, and say what they take it for", async () => {
  coordinator.settings.checkIntervalMs = 100;
  const quick = new TestRunner(coordinator, coordinator.addRunner());
  await quick.request();
  await Bun.sleep(110);
  await quick.request();
  expect(coordinator.findings()).toEqual([]);
  await quick.request();
  expect(coordinator.findings()[0]?.message).toMatch(
    /^asked again \d+ ms after a request that brought no job; check_interval is taken to be 100 ms$/,
  );
});

test("Checks allow to ask at once after a job", async () => {
  coordinator.enqueue({ script: "true" });
  await runner.take();
  await runner.request();
  expect(coordinator.findings()).toEqual([]);
});

test("Checks find more open polls than request_concurrency", async () => {
  coordinator.settings.longPollMs = 200;
  const two = new TestRunner(
    coordinator,
    coordinator.addRunner({ requestConcurrency: 2, checkIntervalMs: 0 }),
  );
  await two.request();
  await Promise.all([two.request(), two.request()]);
  expect(coordinator.findings()).toEqual([]);
  await Promise.all([two.request(), two.request(), two.request()]);
  expect(coordinator.findings()).toMatchObject([{ rule: "open-polls", count: 1 }]);
});

test("Checks find two patches of one job at the same time", async () => {
  const job = await running();
  const body = (text: string) =>
    new ReadableStream({
      async start(stream) {
        stream.enqueue(new TextEncoder().encode(text));
        await Bun.sleep(50);
        stream.close();
      },
    });
  const patch = (first: number) =>
    runner.call("PATCH", `/api/v4/jobs/${job.id}/trace`, {
      headers: { "Job-Token": job.token, "Content-Range": `${first}-${first}` },
      body: body("x"),
    });
  await Promise.all([patch(0), patch(1)]);
  expect(rules(coordinator)).toEqual(["parallel-patches"]);
});
