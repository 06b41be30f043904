/** Faults 47 to 55: the end of a job, and a coordinator that does not simply take it. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import type { Clock } from "../../core/coordinator/clock.ts";
import { Outbox } from "../../core/trace/outbox.ts";
import { JobRecord } from "../../core/trace/record.ts";
import { Semaphore } from "../../core/util/semaphore.ts";
import { FACTS, FakeJob, MemoryLog, QUIET_ANSWER } from "../core/trace/fake_job.ts";
import { EmbeddedCoordinator } from "../../core/embedded/mod.ts";
import { Bench, eventually, gapsMs, TRACE } from "./harness.ts";
import { temporaryDirectory } from "../fixtures/temporary_directory.ts";

const PLAIN = { FF_TIMESTAMPS: "false" };
const HELLO = { script: "echo hello", variables: PLAIN };
const MINUTE = 60_000;
// The quick tries at the end of a job alone take seven seconds.
setDefaultTimeout(30_000);

function records(bench: Bench): string[] {
  return readdirSync(join(bench.process.dir, ".runner_state/config.toml/0/jobs"));
}

test.concurrent("fault 47: 202 to the final update (3 s for 5 m): the same one again at that pace", async () => {
  await using bench = await Bench.open({ coordinator: { chunksMovingMs: 1500 } });
  const job = bench.coordinator.enqueue(HELLO);
  bench.start();
  await bench.expectDelivered(job, { prints: ["hello"] });
  const finals = bench.updates(job, "success");
  expect(finals.map(({ status }) => status)).toEqual([202, 202, 200]);
  expect(new Set(finals.map(({ body }) => body)).size).toBe(1);
  const [first = 0, second = 0] = gapsMs(finals);
  expect(first).toBeWithin(1000, 1500);
  expect(second).toBeWithin(2000, 2500);
  bench.expectNoFindings();
});

test.concurrent("fault 48: 202 for ever is bounded, kept, repeated ever more seldom, and logged (outbox on a hasty clock)", async () => {
  await using kept = outboxOfOne();
  kept.job.onUpdate = () => ({ ...QUIET_ANSWER, kind: "pending", updateIntervalMs: 64_000 });
  await kept.begin();
  await kept.outbox.settled();
  const days = (kept.clock.now() - kept.startedAt) / (24 * 60 * MINUTE);
  expect(Math.floor(days)).toBe(7);
  // Never faster than the coordinator's own pace.
  expect(kept.job.updates.length).toBeLessThan(7 * 24 * 60 * 60 / 64);
  expect(kept.log.lines.filter((line) => line.startsWith("error"))).toEqual([
    "error Dropped a job's result: the coordinator could not take it in time",
  ]);
});

test.concurrent("fault 49: 412 has the log sent again from where a 416 says, then the result", async () => {
  await using bench = await Bench.open({ coordinator: { refuseWrongChecksum: true } });
  const { coordinator } = bench;
  const job = coordinator.enqueue(HELLO);
  // The moment in which the coordinator loses the end of the log.
  coordinator.inject({
    match: { state: "final" },
    action: { kind: "alter", headers: { "X-GitLab-Trace-Update-Interval": "1" } },
  }, () => {
    if (job.updates === 1) job.trace.truncate(100);
    return job.updates === 1;
  });
  bench.start();
  await bench.expectDelivered(job, { prints: ["hello"] });
  const finals = bench.updates(job, "success");
  expect(finals.map(({ status }) => status)).toEqual([412, 200]);
  const [refused] = finals;
  const again = bench.patches(job).filter(({ at }) => at > (refused?.at ?? 0));
  expect(again.map(({ contentRange, status }) => [contentRange?.split("-")[0], status]))
    .toEqual([["0", 416], ["100", 202]]);
  bench.expectNoFindings();
});

test.concurrent("fault 50: a lost 200 to the final update heals by the 403 to its repeat", async () => {
  await using bench = await Bench.open();
  const { coordinator } = bench;
  const job = coordinator.enqueue(HELLO);
  coordinator.inject({
    match: { state: "final" },
    action: { kind: "reset", handled: true },
  });
  bench.start();
  await bench.expectDelivered(job, { prints: ["hello"] });
  await eventually(() => bench.process.log.includes("Job succeeded"), "the runner is done with it");
  expect(bench.updates(job, "success").map(({ status }) => status)).toEqual([0, 403]);
  await bench.expectJobsFlow();
  expect(bench.updates(job, "success").length).toBe(2);
  expect(bench.process.log).not.toContain("ERROR");
  expect(await bench.process.stop()).toBe(0);
  expect(records(bench)).toEqual([]);
  bench.expectNoFindings();
});

test.concurrent("fault 51: a PATCH that fails for ever does not keep the result back", async () => {
  await using bench = await Bench.open();
  const { coordinator } = bench;
  const job = coordinator.enqueue({ script: "exit 3", variables: PLAIN });
  coordinator.inject({
    match: { method: "PATCH", path: TRACE },
    action: { kind: "answer", status: 500, body: { message: "500 Internal Server Error" } },
    times: null,
  });
  bench.start();
  const outcome = await job.finished;
  expect(outcome).toMatchObject({ state: "failed", failureReason: "script_failure", exitCode: 3 });
  expect(bench.updates(job, "failed").length).toBe(1);
  await bench.process.stop();
  expect(records(bench)).toEqual([]);
  // The coordinator has none of the log whose checksum came.
  expect(coordinator.findings().map(({ rule }) => rule)).toEqual(["trace-checksum"]);
});

test.concurrent(
  "fault 52: a server down at the end (10 s for 8 m) holds no slot and gets it all later",
  async () => {
    await using other = await EmbeddedCoordinator.start({ longPollHandsOut: true });
    await using bench = await Bench.open({ globals: ["concurrent = 1"] });
    const { coordinator, process } = bench;
    const otherRunner = other.addRunner({ checkIntervalMs: 1000 });
    process.configure([
      { url: coordinator.url, token: bench.runner.token },
      { url: other.url, token: otherRunner.token },
    ], ["concurrent = 1"]);
    const job = coordinator.enqueue({
      script: ["echo first", "sleep 0.5", "echo last"],
      variables: PLAIN,
    });
    bench.start();
    await eventually(() => bench.patches(job).length > 0, "the first bytes");
    await coordinator.suspend();
    const waiting = other.enqueue(HELLO);
    expect((await waiting.finished).state).toBe("success");
    await eventually(() => records(bench).length === 1, "only the first job is kept");
    await coordinator.resume();
    await bench.expectDelivered(job, { prints: ["first", "last"] });
    await eventually(() => records(bench).length === 0, "the delivered record is gone");
    await bench.expectJobsFlow();
    bench.expectNoFindings();
    expect(other.findings()).toEqual([]);
  },
);

for (const minutes of [2, 8, 30, 12 * 60]) {
  test.concurrent(`fault 52: a result kept over ${minutes} minutes of outage is delivered (outbox on a hasty clock)`, async () => {
    await using kept = outboxOfOne();
    const isDown = () => kept.clock.now() - kept.startedAt < minutes * MINUTE;
    const down = { ...QUIET_ANSWER, kind: "unreachable", message: "refused" } as const;
    kept.job.onPatch = () => isDown() ? down : undefined;
    kept.job.onUpdate = () => isDown() ? down : undefined;
    await kept.begin();
    await kept.outbox.settled();
    expect(kept.job.text).toBe("what the job printed\n");
    expect(kept.job.final).toMatchObject({ state: "failed", failureReason: "script_failure" });
    const lateMs = kept.clock.now() - kept.startedAt - minutes * MINUTE;
    expect(lateMs).toBeLessThan(6 * MINUTE);
    expect(JobRecord.list(kept.stateDir).records).toEqual([]);
  });
}

test.concurrent(
  "fault 53: an expired job token ends the job without a storm of retries",
  async () => {
    await using bench = await Bench.open({ coordinator: { updateIntervalSeconds: 1 } });
    const { coordinator } = bench;
    const job = coordinator.enqueue({
      script: ["for i in $(seq 1 400); do echo $i; sleep 0.1; done"],
      afterScript: `touch ${bench.process.dir}/after`,
      variables: PLAIN,
    });
    bench.start();
    await eventually(() => bench.patches(job).length > 0, "the first bytes");
    const expired = Date.now();
    job.finish({ state: "failed", failureReason: "job_token_expired" });
    await eventually(() => bench.process.log.includes("Job failed"), "the job ends");
    await bench.expectJobsFlow();
    const late = [...bench.patches(job), ...bench.updates(job)].filter(({ at }) => at > expired);
    // One in mid-job, then what the end of every job tries once.
    expect(late.map(({ method, status }) => `${method} ${status}`))
      .toEqual(["PATCH 403", "PATCH 403", "PUT 403"]);
    expect(await Bun.file(`${bench.process.dir}/after`).exists()).toBe(false);
    await bench.process.stop();
    expect(records(bench)).toEqual([]);
    bench.expectNoFindings();
  },
);

test.concurrent("fault 54: SIGQUIT during the final retries waits for them", async () => {
  await using bench = await Bench.open();
  const { coordinator } = bench;
  const job = coordinator.enqueue(HELLO);
  const refusals = coordinator.inject({
    match: { state: "final" },
    action: { kind: "answer", status: 400, body: { message: "400 Bad request" } },
    times: 2,
  });
  bench.start();
  await eventually(() => refusals.hits === 1, "the first final update");
  bench.process.signal("SIGQUIT");
  expect(await bench.process.exited()).toBe(0);
  await bench.expectDelivered(job, { prints: ["hello"] });
  expect(bench.updates(job, "success").map(({ status }) => status)).toEqual([400, 400, 200]);
  expect(records(bench)).toEqual([]);
  bench.expectNoFindings();
});

test.concurrent(
  "fault 54: SIGTERM while the final update hangs exits in time, says so, and delivers after a restart",
  async () => {
    await using bench = await Bench.open({ globals: ["shutdown_timeout = 1"] });
    const { coordinator } = bench;
    const job = coordinator.enqueue(HELLO);
    const hang = coordinator.inject({ match: { state: "final" }, action: { kind: "hang" } });
    bench.start();
    await eventually(() => hang.hits === 1, "the final update");
    const asked = performance.now();
    bench.process.signal("SIGTERM");
    expect(await bench.process.exited()).toBe(1);
    const took = performance.now() - asked;
    expect(took).toBeGreaterThan(900);
    expect(took).toBeLessThan(2500);
    expect(bench.process.log).toContain(
      "The jobs did not end in time; they are told of at the next",
    );
    expect(job.isOver).toBe(false);
    expect(records(bench).length).toBe(1);
    bench.start();
    await bench.expectDelivered(job, { prints: ["hello"] });
    await eventually(() => records(bench).length === 0, "the delivered record is gone");
    await bench.expectJobsFlow();
    bench.expectNoFindings();
  },
);

test.concurrent(
  "fault 54: SIGTERM during the final retries of a server that is down keeps the result",
  async () => {
    await using bench = await Bench.open({ globals: ["shutdown_timeout = 1"] });
    const { coordinator } = bench;
    const job = coordinator.enqueue({ script: ["echo hello", "sleep 0.3"], variables: PLAIN });
    bench.start();
    await eventually(() => bench.patches(job).length > 0, "the first bytes");
    await coordinator.suspend();
    await eventually(() =>
      bench.process.log.includes("Submitting job to coordinator... failed") ||
      bench.process.log.includes("Appending trace to coordinator... failed"), "a final try");
    bench.process.signal("SIGTERM");
    expect(await bench.process.exited()).toBe(1);
    expect(records(bench).length).toBe(1);
    await coordinator.resume();
    bench.start();
    await bench.expectDelivered(job, { prints: ["hello"] });
    bench.expectNoFindings();
  },
);

test.concurrent("fault 55: a server of 2019 that refuses a failure reason gets one it knows", async () => {
  await using bench = await Bench.open({ coordinator: { mode: "v11.7" } });
  const job = bench.coordinator.enqueue({
    script: "true",
    variables: { GIT_CLONE_PATH: "/somewhere/else" },
    payload: { features: { failure_reasons: ["runner_configuration_error"] } },
  });
  bench.start();
  const outcome = await job.finished;
  expect(outcome).toMatchObject({ state: "failed", failureReason: "script_failure" });
  await bench.expectJobsFlow();
  expect(bench.updates(job, "failed").map(({ status, body }) => [status, reasonIn(body)]))
    .toEqual([[400, "runner_configuration_error"], [200, "script_failure"]]);
  bench.expectNoFindings();
});

function reasonIn(body: string | undefined): unknown {
  return JSON.parse(body ?? "{}").failure_reason;
}

/** An outbox with one failed job's record, over a coordinator and a clock of the test's own. */
function outboxOfOne() {
  const directory = temporaryDirectory();
  const job = new FakeJob();
  // Records are dated by the real clock, so time begins there; then it jumps to whatever is next.
  let now = Date.now();
  const clock: Clock = {
    now: () => now,
    random: Math.random,
    async delay(ms, { signal }) {
      signal.throwIfAborted();
      now += ms;
      await new Promise(setImmediate);
    },
  };
  const log = new MemoryLog();
  const end = new AbortController();
  const outbox = new Outbox({
    handleFor: () => job,
    chunks: new Semaphore(1),
    clock,
    logger: log,
    signal: end.signal,
  });
  const record = JobRecord.create(directory.path, FACTS);
  return {
    job,
    clock,
    log,
    outbox,
    stateDir: directory.path,
    startedAt: clock.now(),
    begin() {
      const spool = record.createSpool({});
      const text = Buffer.from("what the job printed\n");
      spool.append(text, 0, text.length, false);
      return spool[Symbol.asyncDispose]().then(() => {
        record.decide({ state: "failed", failureReason: "script_failure", exitCode: 1 });
        outbox.add(record);
      });
    },
    async [Symbol.asyncDispose]() {
      end.abort(new Error("the test is over"));
      await outbox.settled();
      directory[Symbol.dispose]();
    },
  };
}
