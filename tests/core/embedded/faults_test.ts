import { afterEach, expect, test } from "bun:test";

import { EmbeddedCoordinator } from "../../../core/embedded/coordinator.ts";
import type { FaultInput } from "../../../core/embedded/faults.ts";
import { type Handed, TestRunner } from "./client.ts";

let coordinator: EmbeddedCoordinator;
let runner: TestRunner;
let handed: Handed;

async function startWith(...faults: FaultInput[]) {
  coordinator = await EmbeddedCoordinator.start();
  runner = new TestRunner(coordinator);
  const job = coordinator.enqueue({ script: "true" });
  handed = await runner.takeAndAccept();
  for (const fault of faults) coordinator.inject(fault);
  return job;
}

afterEach(() => coordinator.stop());

const PATCH = { method: "PATCH", path: "/trace$" };
const failed = (thrown: unknown) => (thrown as { code?: string }).code ?? "failed";

test("answer fault meets its calls, its number of times, and handles nothing", async () => {
  const job = await startWith({
    match: PATCH,
    action: {
      kind: "answer",
      status: 503,
      headers: { "Retry-After": "2" },
      body: { message: "x" },
    },
    times: 2,
  });
  const first = await runner.patch(handed, 0, "a");
  expect([first.status, first.headers.get("Retry-After")]).toEqual([503, "2"]);
  expect(first.headers.get("Content-Type")).toBe("application/json");
  expect((await runner.update(handed, { state: "running" })).status).toBe(200);
  expect((await runner.patch(handed, 0, "a")).status).toBe(503);
  expect(job.trace.size).toBe(0);
  expect((await runner.patch(handed, 0, "a")).status).toBe(202);
});

test("nth, job, state and predicate choose the call", async () => {
  await startWith(
    { match: { ...PATCH, nth: 2 }, action: { kind: "answer", status: 500 } },
    { match: { state: "final" }, action: { kind: "answer", status: 412 } },
    { match: { job: 1 }, action: { kind: "answer", status: 500 }, times: null },
  );
  coordinator.inject(
    { action: { kind: "answer", status: 418 } },
    async (call) => (await call.json())["state"] === "running",
  );
  expect((await runner.patch(handed, 0, "a")).status).toBe(202);
  expect((await runner.patch(handed, 1, "b")).status).toBe(500);
  expect((await runner.patch(handed, 1, "b")).status).toBe(202);
  expect((await runner.update(handed, { state: "running" })).status).toBe(418);
  expect((await runner.update(handed, { state: "running" })).status).toBe(200);
  expect((await runner.finish(handed, "ab")).status).toBe(412);
  expect((await runner.finish(handed, "ab")).status).toBe(200);
});

test("fault with a duration ends with it", async () => {
  await startWith({ match: PATCH, action: { kind: "answer", status: 500 }, forMs: 40 });
  expect((await runner.patch(handed, 0, "a")).status).toBe(500);
  expect((await runner.patch(handed, 0, "a")).status).toBe(500);
  await Bun.sleep(50);
  expect((await runner.patch(handed, 0, "a")).status).toBe(202);
});

test("reset fault cuts the connection before or after the bytes are stored", async () => {
  const job = await startWith(
    { match: PATCH, action: { kind: "reset" } },
    { match: PATCH, action: { kind: "reset", handled: true } },
  );
  expect(await runner.patch(handed, 0, "abc").catch(failed)).toBe("ECONNRESET");
  expect(job.trace.size).toBe(0);
  expect(await runner.patch(handed, 0, "abc").catch(failed)).toBe("ECONNRESET");
  expect(await job.trace.text()).toBe("abc");
  const patches = coordinator.requests((request) => request.method === "PATCH");
  expect(patches.map(({ status, fault }) => [status, fault])).toEqual([
    [0, "reset 1"],
    [0, "reset 2"],
  ]);
  const repeated = await runner.patch(handed, 0, "abc");
  expect([repeated.status, repeated.headers.get("Range")]).toEqual([416, "0-3"]);
});

test("lost final answer allows the update to be repeated without a finding", async () => {
  const job = await startWith({
    match: { state: "final" },
    action: { kind: "reset", handled: true },
  });
  expect(await runner.finish(handed, "").catch(failed)).toBe("ECONNRESET");
  expect(job.state).toBe("success");
  const repeated = await runner.finish(handed, "");
  expect([repeated.status, repeated.headers.get("Job-Status")]).toEqual([403, "success"]);
  expect(coordinator.findings()).toEqual([]);
});

test("cut fault ends the answer in mid-body", async () => {
  await startWith({ match: { path: "jobs/request" }, action: { kind: "cut", afterBytes: 100 } });
  coordinator.enqueue({ script: "true" });
  const answer = await runner.request();
  expect(answer.status).toBe(201);
  expect(await answer.text().catch(failed)).not.toStartWith("{");
});

test("cut-request fault cuts an upload", async () => {
  await startWith({
    match: { path: "/artifacts$" },
    action: { kind: "cut-request", afterBytes: 1_000_000 },
  });
  const upload = runner.upload(handed, new Uint8Array(5_000_000));
  expect(["ECONNRESET", "EPIPE"]).toContain(await upload.then(String, failed));
});

test("drop fault loses bytes of a patch that is answered 202", async () => {
  const job = await startWith({ match: PATCH, action: { kind: "drop", bytes: 2 } });
  const answer = await runner.patch(handed, 0, "abcdef");
  expect([answer.status, answer.headers.get("Range")]).toEqual([202, "0-4"]);
  expect(await job.trace.text()).toBe("abcd");
  expect((await runner.patch(handed, 6, "g")).headers.get("Range")).toBe("0-4");
});

test("alter fault handles the call and changes its answer", async () => {
  const job = await startWith(
    { match: PATCH, action: { kind: "alter", status: 200, headers: { Range: null } } },
    { match: PATCH, action: { kind: "alter", headers: { "Job-Status": "canceling" } } },
    {
      match: { path: "jobs/request" },
      action: { kind: "alter", headers: { "Content-Type": "text/html" }, gzip: true },
    },
  );
  const first = await runner.patch(handed, 0, "a");
  expect([first.status, first.headers.get("Range")]).toEqual([200, null]);
  const second = await runner.patch(handed, 1, "b");
  expect([second.status, second.headers.get("Job-Status")]).toEqual([202, "canceling"]);
  expect(await job.trace.text()).toBe("ab");
  coordinator.enqueue({ script: "true" });
  const html = await runner.request();
  expect(html.headers.get("Content-Type")).toBe("text/html");
  expect(html.headers.get("Content-Encoding")).toBe("gzip");
  expect(await html.json()).toContainKey("token");
});

test("redirect, delay, slow and close do what they say", async () => {
  await startWith(
    { match: PATCH, action: { kind: "redirect", location: "http://127.0.0.1:1/", status: 302 } },
    { match: PATCH, action: { kind: "delay", ms: 60 } },
    { match: PATCH, action: { kind: "close" } },
    { match: { method: "PUT" }, action: { kind: "slow", bytesPerSecond: 20 } },
  );
  const redirect = await runner.patch(handed, 0, "a");
  expect([redirect.status, redirect.headers.get("Location")]).toEqual([
    302,
    "http://127.0.0.1:1/",
  ]);
  let before = performance.now();
  expect((await runner.patch(handed, 0, "a")).status).toBe(202);
  expect(performance.now() - before).toBeGreaterThan(55);
  expect((await runner.patch(handed, 1, "b")).headers.get("Connection")).toBe("close");
  before = performance.now();
  expect(await (await runner.update(handed, { state: "running" })).text()).toBe("200");
  expect(performance.now() - before).toBeGreaterThan(150);
});

test("hang fault never answers, and does not keep the coordinator from stopping", async () => {
  await startWith({ match: PATCH, action: { kind: "hang" } });
  const patch = runner.patch(handed, 0, "a").then((answer) => answer.status, failed);
  expect(await Promise.race([patch, Bun.sleep(50).then(() => "open")])).toBe("open");
  await coordinator.suspend();
  expect(await patch).not.toBe(202);
});

test("inject refuses an action that is none", async () => {
  await startWith();
  const wrong = { action: { kind: "explode" } } as unknown as FaultInput;
  expect(() => coordinator.inject(wrong)).toThrow();
});
