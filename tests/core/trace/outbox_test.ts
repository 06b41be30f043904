import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobHandle } from "../../../core/coordinator/coordinator.ts";
import type { FinalState } from "../../../core/job/result.ts";
import { deliverRecord, Outbox, recover } from "../../../core/trace/outbox.ts";
import { type JobFacts, JobRecord } from "../../../core/trace/record.ts";
import { Semaphore } from "../../../core/util/semaphore.ts";
import { FACTS, FakeJob, HastyClock, MemoryLog, NEVER, rejected, UNREACHABLE } from "./fake_job.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

const FAILED: FinalState = { state: "failed", failureReason: "runner_system_failure" };

function leftRecord(stateDir: string, trace: string, facts: JobFacts = FACTS): JobRecord {
  const { path } = JobRecord.create(stateDir, facts);
  writeFileSync(join(path, "trace.log"), trace);
  const record = JobRecord.list(stateDir).records.find((found) => found.path === path);
  if (record === undefined) throw new Error("the record is not listed");
  return record;
}

function outbox(job: FakeJob, signal = NEVER, handleFor: () => JobHandle = () => job) {
  const clock = new HastyClock();
  const log = new MemoryLog();
  const box = new Outbox({
    handleFor,
    chunks: new Semaphore(1),
    clock: Object.assign(clock, { now: () => Date.now() + clock.waits.reduce((a, b) => a + b, 0) }),
    logger: log,
    signal,
  });
  return { box, clock, log };
}

describe("Outbox", () => {
  test("delivers a record from wherever the coordinator stands, and removes it", async () => {
    using directory = temporaryDirectory();
    const record = leftRecord(directory.path, "0123456789");
    record.decide(FAILED);
    const job = new FakeJob();
    job.stored = Buffer.from("01234");
    const { box } = outbox(job);
    box.add(record);
    expect(box.size).toBe(1);
    await box.settled();
    expect(job.text).toBe("0123456789");
    expect(job.final).toMatchObject({ ...FAILED, trace: { crc32: Bun.hash.crc32("0123456789") } });
    expect(existsSync(record.path)).toBe(false);
    expect(box.size).toBe(0);
  });

  test("keeps trying, ever more seldom up to five minutes, until the coordinator is back", async () => {
    using directory = temporaryDirectory();
    const record = leftRecord(directory.path, "text");
    record.decide(FAILED);
    const job = new FakeJob();
    job.onPatch = (_, nth) => nth <= 60 ? UNREACHABLE : undefined;
    job.onUpdate = () => job.stored.length === 0 ? rejected(502) : undefined;
    const { box, clock } = outbox(job);
    box.add(record);
    await box.settled();
    expect(job.text).toBe("text");
    expect(job.final).toMatchObject(FAILED);
    expect(Math.max(...clock.waits)).toBeGreaterThan(120_000);
    expect(Math.max(...clock.waits)).toBeLessThanOrEqual(300_000);
  });

  test("keeps trying when this machine, not the coordinator, is in the way", async () => {
    using directory = temporaryDirectory();
    const record = leftRecord(directory.path, "text");
    record.decide(FAILED);
    const job = new FakeJob();
    let tries = 0;
    const { box, log } = outbox(job, NEVER, () => {
      if (++tries < 3) throw new Error("EMFILE: too many open files");
      return job;
    });
    box.add(record);
    await box.settled();
    expect(job.text).toBe("text");
    expect(existsSync(record.path)).toBe(false);
    expect(log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  test("drops a result after seven days, with an error in the log", async () => {
    using directory = temporaryDirectory();
    const record = leftRecord(directory.path, "text");
    record.decide(FAILED);
    const job = new FakeJob();
    job.onPatch = () => UNREACHABLE;
    job.onUpdate = () => UNREACHABLE;
    const { box, clock, log } = outbox(job);
    clock.waits.push(7 * 24 * 3_600_000 - 60_000);
    box.add(record);
    await box.settled();
    expect(existsSync(record.path)).toBe(false);
    expect(log.lines.filter((line) => line.startsWith("error")).length).toBe(1);
    expect(job.patches.length).toBeGreaterThan(4);
  });

  test("leaves records on disk when the runner goes down", async () => {
    using directory = temporaryDirectory();
    const record = leftRecord(directory.path, "text");
    record.decide(FAILED);
    const controller = new AbortController();
    const job = new FakeJob();
    job.onPatch = () => {
      controller.abort(new Error("going down"));
      return UNREACHABLE;
    };
    const { box, log } = outbox(job, controller.signal);
    box.add(record);
    await box.settled();
    expect(existsSync(record.path)).toBe(true);
    expect(log.lines).toEqual([]);
  });
});

describe("recover", () => {
  test("ends a crashed job's trace with an error line of its own, and decides its result", async () => {
    using directory = temporaryDirectory();
    const record = leftRecord(directory.path, "half a li");
    await recover(record, "Job failed (system failure): the runner died", FAILED);
    expect(readFileSync(join(record.path, "trace.log"), "utf8")).toBe(
      "half a li\n\x1b[31;1mERROR: Job failed (system failure): the runner died\x1b[0;m\n",
    );
    const job = new FakeJob();
    const options = { chunks: new Semaphore(1), clock: new HastyClock(), signal: NEVER };
    expect(await deliverRecord(record, job, options)).toEqual({
      kind: "delivered",
      complete: true,
    });
    expect(job.text).toContain("the runner died");
    expect(JobRecord.list(directory.path).records[0]?.finalState).toEqual(FAILED);
  });

  test("stamps the line where the trace is stamped, and needs no trace to be there", async () => {
    using directory = temporaryDirectory();
    const record = JobRecord.create(directory.path, { ...FACTS, timestamps: true });
    await recover(record, "gone", FAILED);
    expect(readFileSync(join(record.path, "trace.log"), "utf8")).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z 00O \x1b\[31;1mERROR: gone\x1b\[0;m\n$/,
    );
  });
});
