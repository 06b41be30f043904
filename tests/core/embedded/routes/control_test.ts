import { afterEach, beforeEach, expect, test } from "bun:test";

import { EmbeddedCoordinator } from "../../../../core/embedded/coordinator.ts";
import { runCoordinatorCommand } from "../../../../core/embedded/command.ts";
import { TestRunner } from "../client.ts";

let coordinator: EmbeddedCoordinator;
let runner: TestRunner;

beforeEach(async () => {
  coordinator = await EmbeddedCoordinator.start();
  runner = new TestRunner(coordinator);
});
afterEach(() => coordinator.stop());

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(coordinator.url + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function get(path: string) {
  // deno-lint-ignore no-explicit-any -- tests look into the answer
  return await (await fetch(coordinator.url + path)).json() as any;
}

test("JSON API enqueues a job, follows its log live and shows its end", async () => {
  const { id } = await (await post("/api/jobs", { script: "true", name: "hi" })).json() as {
    id: number;
  };
  const handed = await runner.takeAndAccept();
  const following = fetch(`${coordinator.url}/api/jobs/${id}/log?follow=1`);
  await runner.patch(handed, 0, "one ");
  const log = await following;
  const reader = log.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect(await reader?.read()).toMatchObject({ value: "one " });
  const second = await runner.patch(handed, 4, "two");
  expect(second.headers.get("X-GitLab-Trace-Update-Interval")).toBe("3");
  expect(await reader?.read()).toMatchObject({ value: "two" });
  await runner.finish(handed, "one two");
  expect(await reader?.read()).toMatchObject({ done: true });
  expect(await get(`/api/jobs/${id}`)).toMatchObject({
    name: "hi",
    state: "success",
    log_bytes: 7,
    outcome: { checksum: "match" },
  });
  expect(await (await fetch(`${coordinator.url}/api/jobs/${id}/log`)).text()).toBe("one two");
});

test("JSON API cancels, lists runners without their tokens, and shows findings", async () => {
  const job = coordinator.enqueue({ script: "true" });
  const handed = await runner.takeAndAccept();
  await post(`/api/jobs/${job.id}/cancel`, {});
  expect(job.state).toBe("canceling");
  await post(`/api/jobs/${job.id}/cancel`, { how: "forced" });
  expect(job.state).toBe("canceled");
  await runner.patch(handed, 0, "");
  const runners = JSON.stringify(await get("/api/runners"));
  expect(runners).toContain("s_0123456789ab");
  expect(runners).not.toContain(runner.runner.token);
  expect(await get("/api/findings")).toEqual(JSON.parse(JSON.stringify(coordinator.findings())));
  const requests = await get(`/api/requests?job=${job.id}`) as { method: string }[];
  expect(requests.map((request) => request.method)).toEqual(["PUT", "PATCH"]);
});

test("JSON API sets faults and says what is wrong with one", async () => {
  const fault = { match: { path: "request" }, action: { kind: "answer", status: 500 } };
  expect((await post("/api/faults", fault)).status).toBe(201);
  expect((await runner.request()).status).toBe(500);
  expect(await get("/api/faults")).toMatchObject([{ hits: 1, spent: true }]);
  const wrong = await post("/api/faults", { action: { kind: "answer", status: "x" } });
  expect([wrong.status, await wrong.text()]).toEqual([
    400,
    expect.stringContaining("action.status"),
  ]);
  const action = { kind: "answer", status: 500 };
  const unreadable = await post("/api/faults", { match: { path: "(" }, action });
  expect(unreadable.status).toBe(400);
  expect(await unreadable.text()).toContain("match.path");
});

test("JSON API refuses other origins, other content types and foreign host names", async () => {
  const body = { script: "true" };
  expect((await post("/api/jobs", body, { Origin: "http://evil.example" })).status).toBe(403);
  expect((await post("/api/jobs", body, { "Content-Type": "text/plain" })).status).toBe(403);
  expect((await post("/api/jobs", body, { Host: "evil.example" })).status).toBe(421);
  expect((await post("/api/jobs", body, { Origin: coordinator.url })).status).toBe(201);
  const answer = await fetch(`${coordinator.url}/api/jobs`, {
    method: "OPTIONS",
    headers: { Origin: "http://evil.example" },
  });
  expect(answer.headers.has("Access-Control-Allow-Origin")).toBe(false);
});

test("Page allows only its own script", async () => {
  const page = await fetch(coordinator.url);
  const nonce = /script-src 'nonce-([^']+)'/.exec(
    page.headers.get("Content-Security-Policy") ?? "",
  );
  const text = await page.text();
  expect(text).toContain(`<script nonce="${nonce?.[1]}">`);
  const script = /<script[^>]*>([^]*)<\/script>/.exec(text)?.[1] ?? "";
  expect(() => new Bun.Transpiler({ loader: "js" }).transformSync(script)).not.toThrow();
});

test("runCoordinatorCommand says how to connect, what happens, and the findings at its end", async () => {
  const lines: string[] = [];
  const stop = new AbortController();
  const ended = runCoordinatorCommand({
    listen: "127.0.0.1:0",
    longPollSeconds: 0,
    checkIntervalSeconds: 3,
    json: false,
    out: (line) => lines.push(line),
    signal: stop.signal,
  });
  await Bun.sleep(20);
  const text = lines.join("\n");
  const url = /listens on (\S+);/.exec(text)?.[1];
  const token = /token = "([^"]+)"/.exec(text)?.[1];
  expect(text).toContain(`--url ${url} --token ${token}`);
  await fetch(`${url}/api/jobs`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: '{"script":"true"}',
  });
  const answer = await fetch(`${url}/api/v4/jobs/request`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  expect(answer.status).toBe(201);
  stop.abort();
  await ended;
  expect(lines.some((line) => line.includes('"job" is running on runner 1'))).toBe(true);
  expect(lines.filter((line) => line.startsWith("finding: "))).toEqual([
    expect.stringContaining("request-id"),
    expect.stringContaining("token-in-header-and-body"),
  ]);
});

test("runCoordinatorCommand refuses an address that is none, taken, or of another host", async () => {
  const options = {
    longPollSeconds: 0,
    checkIntervalSeconds: 3,
    json: false,
    out: () => {},
    signal: AbortSignal.abort(),
  };
  await using taken = await EmbeddedCoordinator.start();
  const { host } = new URL(taken.url);
  for (const listen of [host, "203.0.113.1:0"]) {
    await expect(runCoordinatorCommand({ ...options, listen }))
      .rejects.toThrow(`Cannot listen on "${listen}": use a free port of an address of this host`);
  }
  const run = runCoordinatorCommand({ ...options, listen: "nowhere" });
  expect(run).rejects.toThrow('Cannot listen on "nowhere"');
  await run.catch(() => {});
});
