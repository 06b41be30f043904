/** Faults of protocol section 16.2, trace: the coordinator ends or cancels a job that runs. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";

import type { EmbeddedJob } from "../../core/embedded/mod.ts";
import { Bench, eventually, TRACE, traceLines } from "./harness.ts";

setDefaultTimeout(30_000);

/** Prints for ever, so that the runner often hears from the coordinator. */
const ENDLESS = "while true; do echo working; sleep 0.1; done";

/** Long enough for a busy machine; short beside a script that never ends. */
const QUICKLY_MS = 4000;

function open(entry: readonly string[] = []): Promise<Bench> {
  return Bench.open({ coordinator: { updateIntervalSeconds: 1 }, entry });
}

/** The job has been running for a while and its log arrives. */
async function works(bench: Bench, job: EmbeddedJob): Promise<void> {
  await eventually(async () => (await traceLines(job)).includes("working"), "the job's output");
  expect(jobProcesses(bench)).not.toEqual([]);
}

function finalUpdates(bench: Bench, job: EmbeddedJob) {
  return bench.updates(job).filter(({ body }) => !body?.includes('"state":"running"'));
}

/** Milliseconds from now until the runner says how the job ended. */
async function untilFinalUpdate(bench: Bench, job: EmbeddedJob): Promise<number> {
  const started = performance.now();
  await eventually(() => finalUpdates(bench, job)[0]?.status, "the final update");
  return performance.now() - started;
}

test.concurrent("fault 35: 403 in mid-job aborts it quickly, without after_script, and the final update is tried once", async () => {
  await using bench = await open();
  const after = bench.counter("after");
  const job = bench.coordinator.enqueue({ script: ENDLESS, afterScript: after.line });
  bench.start();
  await works(bench, job);
  job.cancel("forced");
  expect(await untilFinalUpdate(bench, job)).toBeLessThan(QUICKLY_MS);
  await bench.expectJobsFlow();
  await expectScriptEnded(bench);
  expect(finalUpdates(bench, job).map(({ status }) => status)).toEqual([403]);
  expect(bench.patches(job).filter(({ status }) => status === 403).length).toBeLessThanOrEqual(2);
  expect(after.count()).toBe(0);
  bench.expectNoFindings();
});

test.concurrent("fault 36: Job-Status: canceled on a 202 aborts the job, and its result is delivered", async () => {
  await using bench = await open();
  const after = bench.counter("after");
  const job = bench.coordinator.enqueue({ script: ENDLESS, afterScript: after.line });
  bench.start();
  await works(bench, job);
  const told = bench.coordinator.inject({
    match: { method: "PATCH", path: TRACE },
    action: { kind: "alter", headers: { "Job-Status": "canceled" } },
  });
  await eventually(() => told.isSpent, "the altered answer");
  expect(await untilFinalUpdate(bench, job)).toBeLessThan(QUICKLY_MS);
  expect(await job.finished).toMatchObject({ state: "failed", checksum: "match" });
  expect(finalUpdates(bench, job)).toHaveLength(1);
  await bench.expectJobsFlow();
  await expectScriptEnded(bench);
  expect(after.count()).toBe(0);
  bench.expectNoFindings();
});

test.concurrent("fault 37: canceling stops the script, runs after_script, uploads artifacts and reports failed", async () => {
  await using bench = await open();
  const job = bench.coordinator.enqueue({
    script: ["echo kept > result.txt", ENDLESS],
    afterScript: "echo after_script runs",
    artifacts: [{ name: "result", paths: ["result.txt"], when: "always" }],
  });
  bench.start();
  await works(bench, job);
  job.cancel("graceful");
  expect(await untilFinalUpdate(bench, job)).toBeLessThan(QUICKLY_MS);
  const outcome = await job.finished;
  expect(outcome).toMatchObject({ state: "canceled", checksum: "match" });
  const [final] = finalUpdates(bench, job);
  expect(JSON.parse(final?.body ?? "")).toMatchObject({ state: "failed" });
  const lines = await traceLines(job);
  expect(lines.filter((line) => line === "after_script runs")).toHaveLength(1);
  expect(lines.lastIndexOf("working")).toBeLessThan(lines.indexOf("after_script runs"));
  expect(bench.coordinator.artifacts(job).map(({ type }) => type)).toEqual(["archive"]);
  expect(finalUpdates(bench, job)).toHaveLength(1);
  await bench.expectJobsFlow();
  await expectScriptEnded(bench);
  bench.expectNoFindings();
});

test.concurrent("fault 38: canceling and then canceled is an abort, also in after_script", async () => {
  await using bench = await open();
  const after = bench.counter("after");
  const job = bench.coordinator.enqueue({
    script: ENDLESS,
    afterScript: [after.line, ENDLESS],
  });
  bench.start();
  await works(bench, job);
  job.cancel("graceful");
  await eventually(() => after.count() === 1, "the after_script's start");
  expect(finalUpdates(bench, job)).toEqual([]);
  job.cancel("forced");
  expect(await untilFinalUpdate(bench, job)).toBeLessThan(QUICKLY_MS);
  await bench.expectJobsFlow();
  await expectScriptEnded(bench);
  expect(finalUpdates(bench, job).map(({ status }) => status)).toEqual([403]);
  bench.expectNoFindings();
});

test.concurrent("fault 39: canceling before the script stops the whole job (in get_sources, as in an image pull)", async () => {
  await using bench = await open([`pre_get_sources_script = "${ENDLESS}"`]);
  const script = bench.counter("script");
  const job = bench.coordinator.enqueue({
    repository: { path: "group/project", sha: "a".repeat(40) },
    script: script.line,
    afterScript: script.line,
  });
  bench.start();
  await works(bench, job);
  job.cancel("graceful");
  expect(await untilFinalUpdate(bench, job)).toBeLessThan(QUICKLY_MS);
  expect(await job.finished).toMatchObject({ state: "canceled", checksum: "match" });
  await expectScriptEnded(bench);
  expect(finalUpdates(bench, job)).toHaveLength(1);
  expect(script.count()).toBe(0);
  bench.expectNoFindings();
});

async function expectScriptEnded(bench: Bench): Promise<void> {
  await eventually(() => jobProcesses(bench).length === 0, "the end of the job's processes");
}

/** Process ids of what has this bench's directory in its environment, but for the runner. */
function jobProcesses(bench: Bench): string[] {
  const { pid: runner } = bench.process;
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
      return pid !== String(runner) && environment.includes(bench.process.dir);
    } catch {
      return false;
    }
  });
}
