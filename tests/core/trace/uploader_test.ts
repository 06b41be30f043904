import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Spool } from "../../../core/trace/spool.ts";
import { TraceLink } from "../../../core/trace/trace_link.ts";
import { Uploader } from "../../../core/trace/uploader.ts";
import { Semaphore } from "../../../core/util/semaphore.ts";
import {
  FakeJob,
  idle,
  ManualClock,
  MemoryLog,
  NEVER,
  OVER,
  QUIET_ANSWER,
  rejected,
  UNREACHABLE,
} from "./fake_job.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

function uploading(options: { dynamicKeepAlive?: boolean } = {}) {
  const directory = temporaryDirectory();
  const job = new FakeJob();
  const clock = new ManualClock();
  const log = new MemoryLog();
  const told: string[] = [];
  const spool = Spool.create(join(directory.path, "trace.log"), {
    onStored: () => uploader.notify(),
  });
  const link = new TraceLink({
    handle: job,
    spool,
    debugTrace: false,
    chunks: new Semaphore(1),
    onCancel: () => told.push("cancel"),
    onAbort: (why) => told.push(why),
  });
  const uploader = new Uploader(link, {
    clock,
    logger: log,
    dynamicKeepAlive: options.dynamicKeepAlive ?? false,
  });
  return {
    job,
    clock,
    log,
    told,
    link,
    uploader,
    print: async (text: string) => {
      spool.append(Buffer.from(text), 0, text.length, false);
      await spool.flush();
      await idle();
    },
    [Symbol.asyncDispose]: async () => {
      await uploader.stop({ signal: NEVER });
      await spool[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

describe("Uploader pace", () => {
  test("sends the first bytes at once and later ones after the interval", async () => {
    await using run = uploading();
    await run.print("first ");
    expect(run.job.text).toBe("first ");
    await run.print("second ");
    await run.clock.advance(2999);
    expect(run.job.text).toBe("first ");
    await run.clock.advance(1);
    expect(run.job.text).toBe("first second ");
  });

  test("follows the coordinator's interval, at most 15 minutes", async () => {
    await using run = uploading();
    run.job.answer = { cancelRequested: false, updateIntervalMs: 60_000 };
    await run.print("a");
    await run.print("b");
    await run.clock.advance(29_999);
    await run.clock.advance(20_000);
    expect(run.job.text).toBe("a");
    run.job.answer = { cancelRequested: false, updateIntervalMs: 99_999_000 };
    await run.clock.advance(10_001);
    expect(run.job.text).toBe("ab");
    expect(run.link.intervalMs).toBe(15 * 60_000);
    run.job.answer = QUIET_ANSWER;
    await run.print("c");
    await run.clock.advance(15 * 60_000);
    expect(run.job.text).toBe("abc");
  });

  test("sends a large backlog back to back, in order, one chunk of at most 1 MiB at a time", async () => {
    await using run = uploading();
    await run.print("a");
    const text = "0123456789abcdef".repeat(256 * 1024);
    await run.print(text);
    for (let turn = 0; turn < 20 && run.job.stored.length < 3_200_000; turn++) await idle();
    expect(run.job.stored.length).toBeGreaterThan(3_200_000);
    expect(run.job.text).toBe(`a${text}`.slice(0, run.job.stored.length));
    expect(Math.max(...run.job.patches.map((patch) => patch.bytes.length))).toBeLessThanOrEqual(
      1024 * 1024,
    );
    expect(run.job.mostConcurrent).toBe(1);
  });

  test("tries a refused backlog at the interval, not back to back", async () => {
    await using run = uploading();
    run.job.onPatch = () => UNREACHABLE;
    await run.print("x".repeat(2 * 1024 * 1024));
    await idle();
    expect(run.job.patches.length).toBe(1);
    await run.clock.advance(3000);
    expect(run.job.patches.length).toBe(2);
  });

  test("sends a sign of life every 30 seconds of silence, with the trace's checksum", async () => {
    await using run = uploading();
    await run.print("abc");
    await run.clock.advance(29_999);
    expect(run.job.updates).toEqual([]);
    await run.clock.advance(1);
    await run.clock.advance(30_000);
    expect(run.job.updates).toEqual(Array.from({ length: 2 }, () => (
      { state: "running", trace: { crc32: 0x352441c2, size: 3 } }
    )));
  });

  test("sends signs of life at four intervals where that flag is on", async () => {
    await using run = uploading({ dynamicKeepAlive: true });
    run.job.answer = { cancelRequested: false, updateIntervalMs: 60_000 };
    await run.print("abc");
    await run.clock.advance(239_999);
    expect(run.job.updates.length).toBe(0);
    await run.clock.advance(1);
    expect(run.job.updates.length).toBe(1);
  });

  test("sends signs of life also while every PATCH fails, and the bytes once that is over", async () => {
    await using run = uploading();
    run.job.onPatch = () => ({ ...QUIET_ANSWER, kind: "job-not-found" });
    await run.print("abc");
    for (let second = 0; second < 61; second += 3) await run.clock.advance(3000);
    expect(run.job.updates.length).toBe(2);
    expect(run.job.patches.length).toBeGreaterThan(15);
    expect(run.log.lines.filter((line) => line.startsWith("warning")).length).toBe(1);
    run.job.onPatch = () => undefined;
    await run.clock.advance(3000);
    expect(run.job.text).toBe("abc");
  });
});

describe("Uploader and the coordinator's account of the trace", () => {
  test("goes on at once from where a 416 says, smaller or unknown", async () => {
    await using run = uploading();
    await run.print("0123456789");
    run.job.stored = run.job.stored.subarray(0, 4);
    await run.print("abc");
    await run.clock.advance(3000);
    expect(run.job.text).toBe("0123456789abc");
    expect(run.job.patches.map((patch) => patch.offset)).toEqual([0, 10, 4]);
    run.job.onPatch = (_, nth) =>
      nth === 4 ? { ...QUIET_ANSWER, kind: "range-mismatch", size: undefined } : undefined;
    await run.print("def");
    await run.clock.advance(3000);
    await run.clock.advance(3000);
    expect(run.job.text).toBe("0123456789abcdef");
    expect(run.job.patches.map((patch) => patch.offset)).toEqual([0, 10, 4, 13, 0, 13]);
  });

  test("continues from what the coordinator stored when that is less than it accepted", async () => {
    await using run = uploading();
    run.job.onPatch = (chunk, nth) => {
      if (nth > 1) return undefined;
      run.job.stored = Buffer.from(chunk.bytes.subarray(0, 3));
      return { ...QUIET_ANSWER, kind: "accepted", stored: 3 };
    };
    await run.print("0123456789");
    expect(run.job.text).toBe("0123456789");
  });

  test("does not believe for ever a coordinator that says it stored nothing", async () => {
    await using run = uploading();
    run.job.onPatch = () => ({ ...QUIET_ANSWER, kind: "accepted", stored: 0 });
    await run.print("abc");
    for (let i = 0; i < 10; i++) await run.clock.advance(3000);
    expect(run.job.patches.length).toBe(6);
    expect(run.link.unsentBytes).toBe(0);
  });

  test("waits for our trace to grow when the coordinator has more of it", async () => {
    await using run = uploading();
    run.job.stored = Buffer.from("0123456789");
    await run.print("01234");
    await run.clock.advance(3000);
    expect(run.job.patches.length).toBe(1);
    await run.print("56789ab");
    await run.clock.advance(3000);
    expect(run.job.text).toBe("0123456789ab");
  });

  test("repeats an endless 416 at the interval only", async () => {
    await using run = uploading();
    run.job.onPatch = () => ({ ...QUIET_ANSWER, kind: "range-mismatch", size: 0 });
    await run.print("abc");
    await idle();
    expect(run.job.patches.length).toBe(2);
    await run.clock.advance(3000);
    expect(run.job.patches.length).toBe(3);
  });

  test("halves its chunks when one is too large for the coordinator", async () => {
    await using run = uploading();
    run.job.onPatch = (chunk) => chunk.bytes.length > 100_000 ? rejected(413) : undefined;
    await run.print("x".repeat(300_000));
    for (let i = 0; i < 12; i++) await run.clock.advance(3000);
    expect(run.job.stored.length).toBe(300_000);
  });

  test("sends a lost reply's bytes once only", async () => {
    await using run = uploading();
    run.job.onPatch = (chunk, nth) => {
      if (nth > 1) return undefined;
      run.job.store(chunk);
      return UNREACHABLE;
    };
    await run.print("abc");
    await run.clock.advance(3000);
    await run.clock.advance(3000);
    expect(run.job.text).toBe("abc");
  });
});

describe("Uploader and the job's end at the coordinator", () => {
  test("asks once to cancel, then to abort, and sends nothing more", async () => {
    await using run = uploading();
    run.job.answer = { cancelRequested: true, updateIntervalMs: undefined };
    await run.print("a");
    await run.print("b");
    await run.clock.advance(3000);
    expect(run.told).toEqual(["cancel"]);
    run.job.onPatch = () => OVER;
    await run.print("c");
    await run.clock.advance(3000);
    expect(run.told).toEqual(["cancel", "the coordinator ended the job: status canceled"]);
    const calls = run.job.calls.length;
    await run.clock.advance(60_000);
    expect(run.job.calls.length).toBe(calls);
  });

  test("learns from a sign of life that the job is gone", async () => {
    await using run = uploading();
    run.job.onUpdate = () => ({ ...QUIET_ANSWER, kind: "job-not-found" });
    await run.clock.advance(30_000);
    expect(run.told).toEqual(["the coordinator ended the job: it does not know the job"]);
  });
});
