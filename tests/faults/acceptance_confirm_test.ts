/** Faults of protocol section 16.2, acceptance: a job is run only when the coordinator confirms it. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";

import type { EmbeddedJob } from "../../core/embedded/mod.ts";
import { Bench, eventually, gapsMs } from "./harness.ts";

setDefaultTimeout(30_000);

const RUNNING = { method: "PUT", state: "running" } as const;

/** What the runner sent about the job: `running`, `failed`, `PATCH`… */
function callsAbout(bench: Bench, job: EmbeddedJob): string[] {
  return bench.coordinator.requests(({ jobId }) => jobId === job.id)
    .map(({ method, body }) => method === "PUT" ? JSON.parse(body ?? "").state : method);
}

test.concurrent.each([409, 400])(
  "fault 23: a job whose acceptance is answered with %d is not run, and comes again",
  async (status) => {
    await using bench = await Bench.open({ coordinator: { ackWindowMs: 1500 } });
    const { coordinator } = bench;
    const script = bench.counter("runs");
    const job = coordinator.enqueue({ script: [script.line, "echo confirmed"] });
    coordinator.inject({ match: RUNNING, action: { kind: "answer", status } });
    bench.start();
    await bench.expectDelivered(job, { prints: ["confirmed"] });
    const calls = callsAbout(bench, job);
    expect(calls.slice(0, 3)).toEqual(["running", "running", "PATCH"]);
    expect(calls.filter((call) => call !== "PATCH")).toEqual(["running", "running", "success"]);
    const [refused, confirmed] = bench.updates(job);
    expect((confirmed?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThan(1400);
    expect(script.count()).toBe(1);
    bench.expectNoFindings();
  },
);

test.concurrent("fault 24: an acceptance that fails with 500, stored or not, is repeated, and the job runs once", async () => {
  await using bench = await Bench.open();
  const { coordinator } = bench;
  const script = bench.counter("runs");
  const job = coordinator.enqueue({ script: [script.line, "echo accepted"] });
  coordinator.inject({ match: RUNNING, action: { kind: "answer", status: 500 }, times: 3 });
  coordinator.inject({
    match: RUNNING,
    action: { kind: "alter", status: 500, body: "lost" },
    times: 2,
  });
  bench.start();
  await bench.expectDelivered(job, { prints: ["accepted"] });
  expect(script.count()).toBe(1);
  const accepts = bench.updates(job, "running");
  expect(accepts.map(({ status }) => status)).toEqual([500, 500, 500, 500, 500, 200]);
  expect(new Set(accepts.slice(0, 5).map(({ requestId }) => requestId)).size).toBe(1);
  expect(Math.min(...gapsMs(accepts))).toBeGreaterThanOrEqual(95);
  bench.expectNoFindings();
});

test.concurrent("fault 25: a job that is canceled at its acceptance is failed at once, without a script", async () => {
  await using bench = await Bench.open();
  const { coordinator } = bench;
  const script = bench.counter("runs");
  const job = coordinator.enqueue({ script: script.line, afterScript: script.line });
  onAcceptance(bench, job, () => job.cancel("graceful"));
  bench.start();
  const outcome = await job.finished;
  expect(outcome).toMatchObject({ state: "canceled", checksum: "match" });
  expect(callsAbout(bench, job)).toEqual(["running", "PATCH", "failed"]);
  const [accepted, failed] = bench.updates(job);
  expect((failed?.at ?? 0) - (accepted?.at ?? 0)).toBeLessThan(1000);
  expect(script.count()).toBe(0);
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent.each<[string, (bench: Bench, job: EmbeddedJob) => void]>([
  [
    "Job-Status: canceled",
    (bench) =>
      bench.coordinator.inject({
        match: RUNNING,
        action: { kind: "alter", headers: { "Job-Status": "canceled" } },
      }),
  ],
  ["403", (bench, job) => onAcceptance(bench, job, () => job.cancel("forced"))],
  [
    "404",
    (bench) =>
      bench.coordinator.inject({ match: RUNNING, action: { kind: "answer", status: 404 } }),
  ],
])(
  "fault 26: a job whose acceptance is answered with %s is dropped without another call",
  async (_, set) => {
    await using bench = await Bench.open();
    const script = bench.counter("runs");
    const job = bench.coordinator.enqueue({ script: script.line, afterScript: script.line });
    set(bench, job);
    bench.start();
    await eventually(() => bench.updates(job).length > 0, "the acceptance");
    await bench.expectJobsFlow();
    expect(callsAbout(bench, job)).toEqual(["running"]);
    expect(script.count()).toBe(0);
    expect(await bench.process.stop()).toBe(0);
    expect(callsAbout(bench, job)).toEqual(["running"]);
    bench.expectNoFindings();
  },
);

test.concurrent("fault 27: a job is accepted before its environment is prepared, which may take longer than the window", async () => {
  await using bench = await Bench.open({ coordinator: { ackWindowMs: 700 } });
  const profile = "echo slow start; sleep 2; echo prepared\n";
  writeFileSync(bench.path("home/.bash_profile"), profile);
  const script = bench.counter("runs");
  const job = bench.coordinator.enqueue({ script: [script.line, "echo in time"] });
  bench.start();
  await bench.expectDelivered(job, { prints: ["slow start", "prepared", "in time"] });
  const { handedOut = 0, accepted = 0, finished = 0 } = job.times;
  expect(accepted - handedOut).toBeLessThan(700);
  expect(finished - handedOut).toBeGreaterThan(2000);
  expect(script.count()).toBe(1);
  expect(bench.updates(job, "running")).toHaveLength(1);
  bench.expectNoFindings();
});

test.concurrent("fault 27: a job that waits for a place among the running ones is accepted in time", async () => {
  await using bench = await Bench.open({
    coordinator: { ackWindowMs: 700, longPollMs: 20_000 },
    globals: ["concurrent = 1"],
    moreEntries: 1,
  });
  const { coordinator, runners } = bench;
  const gate = bench.gate("go");
  bench.start();
  const polls = () =>
    runners.every((runner) => [...runner.managers.values()].some(({ openPolls }) => openPolls > 0));
  await eventually(polls, "a held poll of each entry");
  const first = coordinator.enqueue({ script: [gate.wait, "echo first"] }, { runner: runners[0]! });
  await first.accepted;
  const second = coordinator.enqueue({ script: "echo second" }, { runner: runners[1]! });
  await second.accepted;
  await Bun.sleep(1000);
  expect([first.state, second.state]).toEqual(["running", "running"]);
  gate.open();
  await bench.expectDelivered(first, { prints: ["first"] });
  await bench.expectDelivered(second, { prints: ["second"] });
  expect(bench.updates(second, "running")).toHaveLength(1);
  bench.expectNoFindings();
});

/** Lets something happen to the job just before its acceptance is handled. */
function onAcceptance(bench: Bench, job: EmbeddedJob, happen: () => void): void {
  bench.coordinator.inject(
    { match: { ...RUNNING, job: job.id }, action: { kind: "close" } },
    () => {
      happen();
      return false;
    },
  );
}
