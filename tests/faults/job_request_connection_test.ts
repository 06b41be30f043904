/** Faults of protocol section 16.2, job request: the connection, and how long an answer takes. */

import { expect, setDefaultTimeout, test } from "bun:test";

import { gitlabCoordinator } from "../../core/coordinator/client.ts";
import { EmbeddedCoordinator } from "../../core/embedded/mod.ts";
import { Secret } from "../../core/util/secret.ts";
import { MemoryLog } from "../core/trace/fake_job.ts";
import { Bench, CHECK_INTERVAL_MS, eventually, JOB_REQUEST, numbered } from "./harness.ts";

setDefaultTimeout(30_000);

test.concurrent("fault 1: while connections are refused the runner asks on at its pace, its job runs, and both resume", async () => {
  await using bench = await Bench.open({ coordinator: { updateIntervalSeconds: 1 } });
  const script = "for i in $(seq 1 30); do echo tick $i; sleep 0.1; done";
  const job = bench.coordinator.enqueue({ script });
  bench.start();
  await job.accepted;
  await eventually(() => job.trace.size > 0, "the first bytes of the log");
  const answered = bench.jobRequests().length;
  await bench.coordinator.suspend();
  const seen = () => bench.process.log.match(/Checking for jobs\.\.\. failed/g)?.length ?? 0;
  const before = seen();
  await Bun.sleep(2300);
  const refused = seen() - before;
  await bench.coordinator.resume();
  await bench.expectDelivered(job, { prints: numbered("tick", 30) });
  await bench.expectJobsFlow();
  expect(refused).toBeGreaterThanOrEqual(1);
  expect(refused).toBeLessThanOrEqual(3);
  expect(bench.jobRequests().length).toBeGreaterThan(answered);
  expect(bench.process.log).toContain("connection refused");
  bench.expectNoFindings();
});

test.concurrent("fault 2: a stop signal interrupts a job request that is never answered, and other entries do not wait for it", async () => {
  await using bench = await Bench.open({ moreEntries: 1 });
  const [, other] = bench.runners;
  bench.coordinator.inject(
    { match: { path: JOB_REQUEST }, action: { kind: "hang" }, times: null },
    async (call) => (await call.json())["token"] === bench.runner.token,
  );
  bench.start();
  await eventually(() => bench.jobRequests().length === 1, "the request that hangs");
  const job = bench.coordinator.enqueue({ script: "echo meanwhile" }, { runner: other! });
  await bench.expectDelivered(job, { prints: ["meanwhile"] });
  expect(bench.jobRequests()).toHaveLength(1);
  const started = performance.now();
  expect(await bench.process.stop()).toBe(0);
  expect(performance.now() - started).toBeLessThan(1000);
  bench.expectNoFindings();
});

test.concurrent("fault 2: the header limit frees the slot of a job request that is never answered (limit of 300 ms at the client)", async () => {
  await using coordinator = await EmbeddedCoordinator.start();
  const runner = coordinator.addRunner();
  const job = coordinator.enqueue({ script: "true" });
  coordinator.inject({ match: { path: JOB_REQUEST }, action: { kind: "hang" } });
  using client = gitlabCoordinator({
    url: coordinator.url,
    token: new Secret(runner.token),
    systemId: "s_0123456789ab",
    env: {},
    timeouts: { exchangeMs: 10_000, headersMs: 300 },
    logger: new MemoryLog(),
  });
  const info = {
    name: "runner",
    version: "0",
    revision: "0",
    platform: "linux",
    architecture: "amd64",
    features: {},
  };
  const ask = () => client.requestJob({ info }, { signal: AbortSignal.timeout(5000) });
  const started = performance.now();
  expect((await ask()).kind).toBe("unreachable");
  expect(performance.now() - started).toBeLessThan(2000);
  expect((await ask()).kind).toBe("job");
  expect(job.state).toBe("running");
});

test.concurrent("fault 3: a 201 whose body is reset in its middle starts no job, and the job comes again", async () => {
  await using bench = await Bench.open({ coordinator: { ackWindowMs: 1500 } });
  const script = bench.counter("runs");
  const job = bench.coordinator.enqueue({ script: [script.line, "echo once"] });
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "cut", afterBytes: 400 },
  });
  bench.start();
  await eventually(() => bench.jobRequests().length >= 2, "another request");
  expect(bench.updates(job)).toEqual([]);
  await bench.expectDelivered(job, { prints: ["once"] });
  expect(script.count()).toBe(1);
  expect(bench.updates(job, "running")).toHaveLength(1);
  bench.expectNoFindings();
});

test.concurrent("fault 20: long polls that are held starve no other entry", async () => {
  await using bench = await Bench.open({
    coordinator: { longPollMs: 50_000 },
    globals: ["concurrent = 2"],
    moreEntries: 3,
  });
  bench.start();
  const { coordinator, runners } = bench;
  const allPoll = () =>
    runners.every((runner) => [...runner.managers.values()].some(({ openPolls }) => openPolls > 0));
  await eventually(allPoll, "a held poll of each entry");
  const started = performance.now();
  const jobs = runners.map((runner) => coordinator.enqueue({ script: "echo polled" }, { runner }));
  for (const job of jobs) await bench.expectDelivered(job, { prints: ["polled"] });
  expect(performance.now() - started).toBeLessThan(5000);
  bench.expectNoFindings();
});

test.concurrent("fault 22: a coordinator that restarts and forgets the queue value is searched again", async () => {
  await using bench = await Bench.open();
  bench.start();
  await eventually(() => bench.jobRequests().length >= 2, "a request with a queue value");
  const forgotten = bench.runner.queueToken;
  await bench.coordinator.suspend();
  await using restarted = await EmbeddedCoordinator.start({
    port: Number(new URL(bench.coordinator.url).port),
    recorder: { detail: "bodies" },
  });
  restarted.addRunner({ token: bench.runner.token, checkIntervalMs: CHECK_INTERVAL_MS });
  const job = restarted.enqueue({ script: "echo found" });
  await bench.expectDelivered(job, { prints: ["found"] });
  const [first] = restarted.requests(({ target }) => target.endsWith("/jobs/request"));
  expect(JSON.parse(first?.body ?? "").last_update).toBe(forgotten);
  await bench.process.stop();
  expect(restarted.findings()).toEqual([]);
  bench.expectNoFindings();
});
