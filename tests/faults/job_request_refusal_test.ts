/** Faults of protocol section 16.2, job request: refusals, limits and errors of the coordinator. */

import { expect, setDefaultTimeout, test } from "bun:test";

import { Bench, CHECK_INTERVAL_MS, eventually, gapsMs, JOB_REQUEST } from "./harness.ts";

setDefaultTimeout(30_000);

/** Requests arrive unevenly on a busy machine; the coordinator's own checks allow as much. */
const AT_PACE_MS = CHECK_INTERVAL_MS * 0.8;

test.concurrent("fault 14: after as many 403 as the limit the entry pauses for the interval, others do not, then it resumes", async () => {
  await using bench = await Bench.open({
    entry: ["unhealthy_requests_limit = 2", 'unhealthy_interval = "2500ms"'],
    moreEntries: 1,
  });
  const { coordinator, runner, runners } = bench;
  const other = runners[1]!;
  coordinator.inject(
    { match: { path: JOB_REQUEST }, action: { kind: "answer", status: 403 }, times: 2 },
    async (call) => (await call.json())["token"] === runner.token,
  );
  bench.start();
  await eventually(() => bench.jobRequests().length >= 2, "the second 403");
  const job = coordinator.enqueue({ script: "echo other" }, { runner: other });
  await bench.expectDelivered(job, { prints: ["other"] });
  await eventually(() => bench.jobRequests().length >= 4, "requests after the pause");
  const requests = bench.jobRequests().slice(0, 4);
  expect(requests.map(({ status }) => status)).toEqual([403, 403, 204, 204]);
  const [before = 0, pause = 0, after = 0] = gapsMs(requests);
  const who = `Runner "${coordinator.url} ${runner.token.slice(8, 17)}"`;
  expect(bench.process.log.split(`ERROR: ${who} is unhealthy and will be disabled for 2.5s`))
    .toHaveLength(2);
  expect(bench.process.log.split(`WARNING: ${who} is not healthy, but check for a new job will`))
    .toHaveLength(2);
  expect(before).toBeGreaterThanOrEqual(AT_PACE_MS);
  expect(pause).toBeGreaterThanOrEqual(2450);
  expect(pause).toBeLessThan(4000);
  expect(after).toBeLessThan(2000);
  expect(Math.max(...gapsMs(bench.jobRequests(other)))).toBeLessThan(2000);
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent("fault 15: 409 for a while is healthy, and asked again at the pace", async () => {
  await using bench = await Bench.open({ entry: ["unhealthy_requests_limit = 1"] });
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "answer", status: 409, body: { message: "409 Conflict" } },
    times: 3,
  });
  bench.start();
  await eventually(() => bench.jobRequests().length >= 4, "four requests");
  const requests = bench.jobRequests().slice(0, 4);
  expect(requests.map(({ status }) => status)).toEqual([409, 409, 409, 204]);
  expect(Math.min(...gapsMs(requests))).toBeGreaterThanOrEqual(AT_PACE_MS);
  expect(Math.max(...gapsMs(requests))).toBeLessThan(2 * CHECK_INTERVAL_MS);
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent("fault 16: 429 with Retry-After is waited for, with one request id and at most 5 attempts", async () => {
  await using bench = await Bench.open();
  const limited = (headers: Record<string, string>, times: number) =>
    bench.coordinator.inject({
      match: { path: JOB_REQUEST },
      action: { kind: "answer", status: 429, headers },
      times,
    });
  limited({ "Retry-After": "2" }, 1);
  limited({}, 4);
  bench.start();
  await eventually(() => bench.jobRequests().length >= 6, "a new request");
  const requests = bench.jobRequests().slice(0, 6);
  expect(requests.map(({ status }) => status)).toEqual([429, 429, 429, 429, 429, 204]);
  const ids = requests.map(({ requestId }) => requestId);
  expect(new Set(ids.slice(0, 5)).size).toBe(1);
  expect(ids[5]).not.toBe(ids[4]);
  const [first = 0, ...others] = gapsMs(requests);
  expect(first).toBeGreaterThanOrEqual(1990);
  expect(first).toBeLessThan(3000);
  expect(Math.max(...others.slice(0, 3))).toBeLessThan(1500);
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent("fault 17: 429 with a reset time in the past or garbage in Retry-After is repeated after a short pause", async () => {
  await using bench = await Bench.open();
  const headers = [
    { "RateLimit-ResetTime": "Wed, 21 Oct 2015 07:28:00 GMT" },
    { "RateLimit-ResetTime": "tomorrow", "Retry-After": "soon" },
    { "Retry-After": "-5" },
    { "Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT" },
  ];
  for (const set of headers) {
    bench.coordinator.inject({
      match: { path: JOB_REQUEST },
      action: { kind: "answer", status: 429, headers: { ...set } },
    });
  }
  bench.start();
  await eventually(() => bench.jobRequests().length >= 5, "five attempts");
  const requests = bench.jobRequests().slice(0, 5);
  expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(1);
  for (const gap of gapsMs(requests)) {
    expect(gap).toBeGreaterThanOrEqual(95);
    expect(gap).toBeLessThan(1500);
  }
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent("fault 18: 503 with a Retry-After of a day is not waited for, nor asked again in a tight loop", async () => {
  await using bench = await Bench.open();
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "answer", status: 503, headers: { "Retry-After": "86400" } },
    times: 3,
  });
  bench.start();
  await bench.expectJobsFlow();
  const refused = bench.jobRequests().slice(0, 4);
  expect(refused.map(({ status }) => status).slice(0, 3)).toEqual([503, 503, 503]);
  expect(Math.min(...gapsMs(refused))).toBeGreaterThanOrEqual(AT_PACE_MS);
  expect(bench.process.log).toContain("wants a pause of 86400 seconds");
  bench.expectNoFindings();
});

test.concurrent("fault 18: a stop signal ends the wait that a 503 asked for", async () => {
  await using bench = await Bench.open();
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "answer", status: 503, headers: { "Retry-After": "50" } },
    times: null,
  });
  bench.start();
  await eventually(() => bench.process.log.includes("Repeating a request"), "the wait");
  const started = performance.now();
  expect(await bench.process.stop()).toBe(0);
  expect(performance.now() - started).toBeLessThan(1000);
  expect(bench.jobRequests()).toHaveLength(1);
  bench.expectNoFindings();
});

test.concurrent("fault 19: of a 500 after the assignment the job comes back, and no job runs twice", async () => {
  await using bench = await Bench.open({ coordinator: { ackWindowMs: 2000 } });
  const { coordinator } = bench;
  const [lostRuns, nextRuns] = [bench.counter("lost"), bench.counter("next")];
  const lost = coordinator.enqueue({ script: [lostRuns.line, "echo lost and found"] });
  const next = coordinator.enqueue({ script: [nextRuns.line, "echo next"] });
  coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "alter", status: 500, body: { message: "500 Internal Server Error" } },
  });
  bench.start();
  await bench.expectDelivered(next, { prints: ["next"] });
  expect(lost.state).toBe("waiting");
  await bench.expectDelivered(lost, { prints: ["lost and found"] });
  expect([lostRuns.count(), nextRuns.count()]).toEqual([1, 1]);
  expect([bench.updates(lost, "running").length, bench.updates(next, "running").length])
    .toEqual([1, 1]);
  const [first, second] = bench.jobRequests();
  expect(second?.requestId).not.toBe(first?.requestId);
  bench.expectNoFindings();
});

test.concurrent("fault 21: 413 is a visible error, and asked again at the pace only", async () => {
  await using bench = await Bench.open();
  bench.coordinator.inject({
    match: { path: JOB_REQUEST },
    action: { kind: "answer", status: 413, body: { message: "413 Request Entity Too Large" } },
    times: 3,
  });
  bench.start();
  await bench.expectJobsFlow();
  const requests = bench.jobRequests().slice(0, 4);
  expect(requests.slice(0, 3).map(({ status }) => status)).toEqual([413, 413, 413]);
  expect(Math.min(...gapsMs(requests))).toBeGreaterThanOrEqual(AT_PACE_MS);
  expect(bench.process.log).toMatch(/ERROR: Checking for jobs\.\.\. failed.*413/);
  bench.expectNoFindings();
});
