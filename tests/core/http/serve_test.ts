import { expect, test } from "bun:test";
import { formatListenAddress, parseListenAddress } from "../../../core/http/listen_address.ts";
import { serveHttp } from "../../../core/http/serve.ts";
import { createProcessLog } from "../../../core/log/process_log.ts";
import type { ManagerSnapshot } from "../../../core/metrics/snapshot.ts";

const snapshot: ManagerSnapshot = {
  concurrent: 1,
  workerSlots: 1,
  processState: "in_service",
  runners: [],
  jobs: [{
    labels: { runner: "a", runner_name: "b", system_id: "c" },
    url: "https://gitlab.example/group/app/-/jobs/7",
    state: "running",
    stage: "step_script",
    executorStage: "",
    durationMs: 83_500,
  }],
};

function open(address = "127.0.0.1:0", state: () => ManagerSnapshot = () => snapshot) {
  const lines: string[] = [];
  const log = createProcessLog({
    write: (line) => lines.push(line),
    level: "info",
    format: "json",
    colors: false,
  });
  const server = serveHttp(address, {
    snapshot: state,
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    scrape: () => Promise.resolve("gitlab_runner_concurrent 1\n"),
    logger: log.logger,
  });
  return { server, lines, url: `http://127.0.0.1:${server?.port}` };
}

test("/metrics answers GET and HEAD only", async () => {
  const { server, url } = open();
  await using _ = server;
  const get = await fetch(`${url}/metrics`);
  expect(get.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await get.text()).toBe("gitlab_runner_concurrent 1\n");
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const post = await fetch(`${url}/metrics`, { method: "POST" });
  expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("/debug/jobs/list has version 2 of the line format", async () => {
  const { server, url } = open();
  await using _ = server;
  const answer = await fetch(`${url}/debug/jobs/list`);
  expect(answer.headers.get("x-list-version")).toBe("2");
  expect(answer.headers.get("content-type")).toStartWith("text/plain");
  expect(await answer.text()).toBe(
    "url=https://gitlab.example/group/app/-/jobs/7 state=running stage=step_script " +
      "executor_stage= duration=1m23.5s\n",
  );
});

test("/health/ready answers, and /debug/process/state follows the manager", async () => {
  let state = snapshot;
  const { server, url } = open("127.0.0.1:0", () => state);
  await using _ = server;
  expect(await (await fetch(`${url}/health/ready`)).text()).toBe("ready\n");
  expect(await (await fetch(`${url}/debug/process/state`)).text()).toBe("in_service\n");
  state = { ...snapshot, processState: "graceful shutdown" };
  expect(await (await fetch(`${url}/debug/process/state`)).text()).toBe("graceful shutdown\n");
  expect((await fetch(`${url}/debug/pprof/`)).status).toBe(404);
});

test("serveHttp logs an address that is taken and goes on", async () => {
  const first = open();
  await using _ = first.server;
  const second = open(`127.0.0.1:${first.server?.port}`);
  expect(second.server).toBeUndefined();
  expect(second.lines).toHaveLength(1);
  expect(second.lines[0]).toContain('"level":"error","msg":"Failed to create listener');
  expect(JSON.parse(first.lines[0] ?? "")).toMatchObject({
    msg: "Metrics server listening",
    address: `127.0.0.1:${first.server?.port}`,
  });
});

test("serveHttp logs an address it cannot read and goes on", () => {
  const { server, lines } = open("one:two:three");
  expect(server).toBeUndefined();
  expect(lines[0]).toContain('Cannot listen on \\"one:two:three\\"');
});

test("parseListenAddress fills in port 9252", () => {
  expect(parseListenAddress(":9252")).toEqual({ hostname: undefined, port: 9252 });
  expect(parseListenAddress("localhost")).toEqual({ hostname: "localhost", port: 9252 });
  expect(parseListenAddress("0.0.0.0:80")).toEqual({ hostname: "0.0.0.0", port: 80 });
  expect(parseListenAddress("[::1]:1234")).toEqual({ hostname: "::1", port: 1234 });
  expect(parseListenAddress("[::1]")).toEqual({ hostname: "::1", port: 9252 });
  expect(parseListenAddress("[2001:db8::1]:http")).toEqual({ hostname: "2001:db8::1", port: 80 });
  expect(parseListenAddress(":https")).toEqual({ hostname: undefined, port: 443 });
  expect(() => parseListenAddress(":70000")).toThrow("70000");
  expect(() => parseListenAddress(":no-such-service")).toThrow(
    'Cannot listen on ":no-such-service"',
  );
  for (const address of [":9252", "localhost:9252", "[::1]:1234"]) {
    expect(formatListenAddress(parseListenAddress(address))).toBe(address);
  }
});
