/** Faults of protocol section 16.2, trace: runner and coordinator disagree on what has arrived. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

import { gitlabCoordinator } from "../../core/coordinator/client.ts";
import { EmbeddedCoordinator, type EmbeddedJob, type FaultInput } from "../../core/embedded/mod.ts";
import { deliver } from "../../core/trace/deliver.ts";
import { Spool } from "../../core/trace/spool.ts";
import { TraceLink } from "../../core/trace/trace_link.ts";
import { Secret } from "../../core/util/secret.ts";
import { Semaphore } from "../../core/util/semaphore.ts";
import { HastyClock, MemoryLog, NEVER } from "../core/trace/fake_job.ts";
import { Bench, numbered, TRACE } from "./harness.ts";
import { temporaryDirectory } from "../fixtures/temporary_directory.ts";

setDefaultTimeout(30_000);

/** Prints for two seconds, so that there are several patches at a pace of one second. */
const LINES = 20;
const SCRIPT = `for i in $(seq 1 ${LINES}); do echo line $i; sleep 0.1; done`;
const PRINTED = numbered("line", LINES);

function open(): Promise<Bench> {
  return Bench.open({ coordinator: { updateIntervalSeconds: 1 } });
}

/** A fault of the nth patch. */
function onPatch(bench: Bench, nth: number, action: FaultInput["action"]): void {
  bench.coordinator.inject({ match: { method: "PATCH", path: TRACE, nth }, action });
}

/** Lets something happen to the log just before the nth patch is handled. */
function beforePatch(bench: Bench, nth: number, happen: () => void): void {
  let seen = 0;
  bench.coordinator.inject(
    { match: { method: "PATCH", path: TRACE }, action: { kind: "close" } },
    () => {
      if (++seen === nth) happen();
      return false;
    },
  );
}

function statuses(bench: Bench, job: EmbeddedJob): number[] {
  return bench.patches(job).map(({ status }) => status);
}

test.concurrent("fault 28: after a 416 with a smaller size the log is sent again from there and is complete", async () => {
  await using bench = await open();
  const job = bench.coordinator.enqueue({ script: SCRIPT });
  beforePatch(bench, 3, () => job.trace.truncate(200));
  bench.start();
  await bench.expectDelivered(job, { prints: PRINTED });
  expect(statuses(bench, job).filter((status) => status === 416)).toHaveLength(1);
  const repaired = bench.patches(job)[statuses(bench, job).indexOf(416) + 1];
  expect(repaired?.contentRange).toStartWith("200-");
  bench.expectNoFindings();
});

test.concurrent("fault 29: a 416 with a size beyond the log deadlocks nothing, and the result is delivered", async () => {
  await using bench = await open();
  const job = bench.coordinator.enqueue({ script: SCRIPT });
  beforePatch(bench, 2, () => job.trace.append(Buffer.alloc(1024 * 1024, "foreign\n")));
  bench.start();
  const outcome = await job.finished;
  expect(outcome).toMatchObject({ state: "success", checksum: "mismatch" });
  const { firstFinal = 0, finished = 0, accepted = 0 } = job.times;
  expect(finished - firstFinal).toBeLessThan(500);
  expect(finished - accepted).toBeLessThan(5000);
  expect(statuses(bench, job).filter((status) => status === 416)).toHaveLength(1);
  await bench.expectJobsFlow();
  expect(bench.coordinator.findings(bench.runner).map(({ rule }) => rule))
    .toEqual(["trace-checksum"]);
});

test.concurrent.each([
  ["without Range", {}],
  ["with a Range that is none", { Range: "bytes=all" }],
  ["with a Range of no number", { Range: "0-many" }],
])(
  "fault 30: a 416 %s restarts the log at 0, the next 416 is followed, and the log is complete",
  async (_, headers) => {
    await using bench = await open();
    const job = bench.coordinator.enqueue({ script: SCRIPT });
    onPatch(bench, 2, { kind: "answer", status: 416, headers });
    bench.start();
    await bench.expectDelivered(job, { prints: PRINTED });
    expect(statuses(bench, job).slice(0, 4)).toEqual([202, 416, 416, 202]);
    expect(bench.patches(job)[2]?.contentRange).toStartWith("0-");
    bench.expectNoFindings();
  },
);

test.concurrent("fault 31: an endless 416 is not answered by a storm of patches", async () => {
  await using bench = await open();
  const job = bench.coordinator.enqueue({ script: SCRIPT });
  const endless = bench.coordinator.inject({
    match: { method: "PATCH", path: TRACE },
    action: {
      kind: "answer",
      status: 416,
      headers: { Range: "0-0", "X-GitLab-Trace-Update-Interval": "1" },
    },
    forMs: 2500,
  });
  bench.start();
  await bench.expectDelivered(job, { prints: PRINTED });
  expect(endless.hits).toBeGreaterThanOrEqual(2);
  expect(bench.patches(job).length).toBeLessThanOrEqual(12);
  bench.expectNoFindings();
});

test.concurrent("fault 31: the end of a job bounds an endless 416 and delivers the result (delivery with a clock that does not wait)", async () => {
  await using coordinator = await EmbeddedCoordinator.start();
  const runner = coordinator.addRunner();
  const job = coordinator.enqueue({ script: "true" });
  const endless = coordinator.inject({
    match: { method: "PATCH", path: TRACE },
    action: { kind: "answer", status: 416, headers: { Range: "0-0" } },
    times: null,
  });
  using client = gitlabCoordinator({
    url: coordinator.url,
    token: new Secret(runner.token),
    systemId: "s_0123456789ab",
    env: {},
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
  await client.requestJob({ info }, { signal: NEVER });
  const handle = client.job({ id: job.id, token: job.token }, info);
  using directory = temporaryDirectory();
  await using spool = Spool.create(join(directory.path, "trace.log"));
  spool.append(Buffer.from("never stored\n"), 0, 13, false);
  await spool.flush();
  const link = new TraceLink({ handle, spool, debugTrace: false, chunks: new Semaphore(1) });
  const clock = new HastyClock();
  const delivery = await deliver(link, { state: "success" }, { clock, signal: NEVER });
  expect(delivery).toEqual({ kind: "delivered", complete: false });
  expect(job.state).toBe("success");
  expect(endless.hits).toBeLessThanOrEqual(11);
  expect(clock.waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThan(60_000);
});

test.concurrent("fault 32: bytes that the coordinator accepted and dropped are sent again, also the last ones", async () => {
  await using bench = await open();
  const job = bench.coordinator.enqueue({ script: SCRIPT });
  onPatch(bench, 2, { kind: "drop", bytes: 30 });
  const atTheEnd = bench.coordinator.inject(
    { match: { method: "PATCH", path: TRACE }, action: { kind: "drop", bytes: 10 } },
    async (call) => Buffer.from(await call.bytes()).includes("Job succeeded"),
  );
  bench.start();
  await bench.expectDelivered(job, { prints: PRINTED });
  expect(atTheEnd.hits).toBe(1);
  bench.expectNoFindings();
});

test.concurrent("fault 32: bytes that were dropped behind a Range that promises them are found at the next 416", async () => {
  await using bench = await open();
  const job = bench.coordinator.enqueue({ script: SCRIPT });
  beforePatch(bench, 3, () => job.trace.truncate(job.trace.size - 30));
  bench.start();
  await bench.expectDelivered(job, { prints: PRINTED });
  expect(statuses(bench, job)).toContain(416);
  bench.expectNoFindings();
});

test.concurrent("fault 33: when the answer to stored bytes is lost, the repeat learns it from a 416, and no text is twice", async () => {
  await using bench = await open();
  const job = bench.coordinator.enqueue({ script: SCRIPT });
  onPatch(bench, 2, { kind: "reset", handled: true });
  bench.start();
  await bench.expectDelivered(job, { prints: PRINTED });
  expect(statuses(bench, job).slice(0, 4)).toEqual([202, 0, 416, 202]);
  bench.expectNoFindings();
});

test.concurrent("fault 34: a 200 instead of 202 doubles no text", async () => {
  await using bench = await open();
  const job = bench.coordinator.enqueue({ script: "echo early; sleep 1.2; echo late" });
  const accepted = new Set<number>();
  bench.coordinator.inject(
    {
      match: { method: "PATCH", path: TRACE },
      action: { kind: "alter", status: 200, headers: { Range: null } },
      times: null,
    },
    (call) => {
      const first = Number.parseInt(call.header("Content-Range") ?? "", 10);
      const fits = first === job.trace.size;
      if (fits) accepted.add(first);
      return fits;
    },
  );
  bench.start();
  await bench.expectDelivered(job, { prints: ["early", "late"] });
  expect(accepted.size).toBeGreaterThanOrEqual(2);
  expect(statuses(bench, job)).not.toContain(202);
  bench.expectNoFindings();
});
