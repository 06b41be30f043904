/** Faults 40 to 46: a trace on its way while the coordinator is slow, odd or gone. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { PatchOutcome } from "../../core/coordinator/coordinator.ts";
import { Spool } from "../../core/trace/spool.ts";
import { TraceLink } from "../../core/trace/trace_link.ts";
import { Uploader } from "../../core/trace/uploader.ts";
import { Semaphore } from "../../core/util/semaphore.ts";
import {
  FakeJob,
  idle,
  ManualClock,
  MemoryLog,
  NEVER,
  QUIET_ANSWER,
} from "../core/trace/fake_job.ts";
import { Bench, eventually, gapsMs, numbered, TRACE } from "./harness.ts";
import { temporaryDirectory } from "../fixtures/temporary_directory.ts";

// They wait for one another on a busy machine.
setDefaultTimeout(20_000);

/** Prints one line each `ms`, so that there is always something to send. */
function ticking(count: number, ms: number): string {
  return `for i in $(seq 1 ${count}); do echo "tick $i"; sleep ${ms / 1000}; done`;
}

const PLAIN = { FF_TIMESTAMPS: "false" };
const INTERVAL = "X-GitLab-Trace-Update-Interval";

test.concurrent("fault 40: 404 from a proxy (1.5 s for 2 m) does not disturb the job", async () => {
  await using bench = await Bench.open({ coordinator: { updateIntervalSeconds: 1 } });
  const { coordinator } = bench;
  const job = coordinator.enqueue({ script: ticking(34, 100), variables: PLAIN });
  const proxy = coordinator.inject({
    match: { method: "PATCH", path: TRACE, nth: 2 },
    action: { kind: "answer", status: 404, body: "<html>no such page</html>" },
    times: 2,
  });
  bench.start();
  await eventually(() => proxy.isSpent, "the proxy answered");
  await eventually(() => bench.patches(job).at(-1)?.status === 202, "a patch after the 404s");
  expect(job.isOver).toBe(false);
  await bench.expectDelivered(job, { prints: numbered("tick", 34) });
  bench.expectNoFindings();
});

test.concurrent("fault 41: the pace follows the interval header and ignores what is none", async () => {
  await using bench = await Bench.open();
  const { coordinator } = bench;
  const job = coordinator.enqueue({ script: ticking(42, 100), variables: PLAIN });
  for (const seconds of ["1", "abc", "0", "-1", "99999"]) {
    coordinator.inject({
      match: { method: "PATCH", path: TRACE },
      action: { kind: "alter", headers: { [INTERVAL]: seconds } },
    });
  }
  bench.start();
  await bench.expectDelivered(job, { prints: numbered("tick", 42) });
  const gaps = gapsMs(bench.patches(job));
  for (const gap of gaps.slice(0, 4)) {
    expect(gap).toBeGreaterThan(900);
    expect(gap).toBeLessThan(1500);
  }
  // 99999 is no reason to wait with the end of the job; the fifth patch was the last before it.
  expect(gaps.length).toBe(5);
  bench.expectNoFindings();
});

test.concurrent("fault 41: 99999 is capped at 15 minutes (uploader on a manual clock)", async () => {
  await using trace = manualTrace();
  const { job, clock } = trace;
  job.answer = { ...QUIET_ANSWER, updateIntervalMs: 99_999_000 };
  await trace.print("one\n");
  await trace.print("two\n");
  await clock.advance(15 * 60_000 - 1);
  expect(job.text).toBe("one\n");
  job.answer = { ...QUIET_ANSWER, updateIntervalMs: 3000 };
  await clock.advance(1);
  expect(job.text).toBe("one\ntwo\n");
  await trace.print("three\n");
  await clock.advance(3000);
  expect(job.text).toBe("one\ntwo\nthree\n");
});

test.concurrent("fault 43: a log over the server's limit ends the job at once", async () => {
  await using bench = await Bench.open({
    coordinator: { traceLimitBytes: 100_000, updateIntervalSeconds: 1 },
  });
  const { coordinator } = bench;
  const job = coordinator.enqueue({
    script: ["head -c 200000 /dev/zero | tr '\\0' x", "sleep 47"],
    afterScript: `touch ${bench.process.dir}/after`,
    variables: PLAIN,
  });
  bench.start();
  const outcome = await job.finished;
  expect(outcome.failureReason).toBe("trace_size_exceeded");
  await eventually(() => bench.process.log.includes("Job failed"), "the job ends here, too", 3000);
  expect(await Bun.file(`${bench.process.dir}/after`).exists()).toBe(false);
  const calls = () => bench.patches(job).length + bench.updates(job).length;
  const soon = calls();
  await bench.expectJobsFlow();
  expect(calls()).toBe(soon);
  expect(bench.updates(job, "failed").length).toBe(1);
  bench.expectNoFindings();
});

test.concurrent("fault 44: characters cut at chunk borders come out whole", async () => {
  await using bench = await Bench.open({ coordinator: { updateIntervalSeconds: 1 } });
  const { coordinator } = bench;
  // 3-byte characters, and a server that keeps one byte less, then two bytes less than it got.
  for (const bytes of [1, 2, 1]) {
    coordinator.inject({
      match: { method: "PATCH", path: TRACE },
      action: { kind: "drop", bytes },
    });
  }
  const job = coordinator.enqueue({
    script: [
      'line=$(printf "€%.0s" $(seq 1 1000))',
      'for i in $(seq 1 600); do echo "$line"; done',
    ],
    variables: PLAIN,
  });
  bench.start();
  expect((await job.finished).checksum).toBe("match");
  const line = "€".repeat(1000);
  const text = await job.trace.text();
  expect(text.split("\n").filter((each) => each === line).length).toBe(600);
  expect(text).not.toContain("\uFFFD");
  bench.expectNoFindings();
});

test.concurrent("fault 45: ten silent minutes have a sign of life every 30 s (uploader on a manual clock)", async () => {
  await using trace = manualTrace();
  const { job, clock } = trace;
  job.answer = { ...QUIET_ANSWER, updateIntervalMs: 3000 };
  await trace.print("last words\n");
  const text = "last words\n";
  for (let step = 0; step < 60; step++) await clock.advance(10_000);
  expect(job.patches.length).toBe(1);
  expect(job.updates.length).toBe(20);
  const sum = { crc32: Bun.hash.crc32(text), size: text.length };
  for (const update of job.updates) expect(update).toEqual({ state: "running", trace: sum });
});

test.concurrent("fault 46: a server that is gone (2 s for 20 m) gets everything later", async () => {
  await using bench = await Bench.open({ coordinator: { updateIntervalSeconds: 1 } });
  const { coordinator } = bench;
  const job = coordinator.enqueue({ script: ticking(36, 100), variables: PLAIN });
  bench.start();
  await eventually(() => bench.patches(job).length > 0, "the first bytes");
  await coordinator.suspend();
  const file = coordinator.requests().length;
  await Bun.sleep(2000);
  expect(coordinator.requests().length).toBe(file);
  await coordinator.resume();
  await bench.expectDelivered(job, { prints: numbered("tick", 36) });
  await bench.expectJobsFlow();
  bench.expectNoFindings();
});

test.concurrent("fault 46: bytes of 20 minutes without a coordinator follow at once (uploader on a manual clock)", async () => {
  await using trace = manualTrace();
  const { job, clock } = trace;
  let isDown = true;
  const down = { ...QUIET_ANSWER, kind: "unreachable", message: "refused" } as const;
  job.onPatch = (): PatchOutcome | undefined => isDown ? down : undefined;
  job.onUpdate = () => isDown ? down : undefined;
  let printed = "";
  for (let minute = 0; minute < 20; minute++) {
    const line = `minute ${minute}\n`;
    printed += line;
    await trace.print(line);
    for (let turn = 0; turn < 4; turn++) await clock.advance(15_000);
  }
  expect(job.text).toBe("");
  isDown = false;
  await clock.advance(3000);
  expect(job.text).toBe(printed);
});

// Alone: it keeps the coordinator of this process busy.
test(
  "fault 42: a slow server (30 ms for 5 s a PATCH) gets 50 MiB in order, in little memory",
  async () => {
    await using bench = await Bench.open({ entry: ["output_limit = 65536"] });
    const { coordinator } = bench;
    const warm = coordinator.enqueue({ script: "true", variables: PLAIN });
    bench.start();
    await warm.finished;
    const before = residentKib(bench.process.pid, "VmRSS");
    coordinator.inject({
      match: { method: "PATCH", path: TRACE },
      action: { kind: "delay", ms: 30 },
      times: null,
    });
    const lines = 7_000_000;
    const job = coordinator.enqueue({ script: `seq 1 ${lines}`, variables: PLAIN });
    expect((await job.finished).checksum).toBe("match");
    const text = await job.trace.text();
    const start = text.indexOf("\n1\n2\n3\n") + 1;
    const expected = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
    expect(text.length).toBeGreaterThan(50 * 1024 * 1024);
    expect(text.slice(start, start + expected.length) === expected).toBe(true);
    const grown = residentKib(bench.process.pid, "VmHWM") - before;
    expect(grown).toBeLessThan(80 * 1024);
    bench.expectNoFindings();
  },
  20_000,
);

function residentKib(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]);
}

/** A trace that is sent to a fake job while a test moves the clock. */
function manualTrace() {
  const directory = temporaryDirectory();
  const job = new FakeJob();
  const clock = new ManualClock();
  const spool = Spool.create(join(directory.path, "trace.log"), {
    onStored: () => uploader.notify(),
  });
  const link = new TraceLink({
    handle: job,
    spool,
    debugTrace: false,
    chunks: new Semaphore(1),
  });
  const uploader = new Uploader(link, { clock, logger: new MemoryLog(), dynamicKeepAlive: false });
  return {
    job,
    clock,
    async print(text: string) {
      spool.append(Buffer.from(text), 0, text.length, false);
      await spool.flush();
      await idle();
    },
    async [Symbol.asyncDispose]() {
      await uploader.stop({ signal: NEVER });
      await spool[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}
