import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openTrace, type TraceOptions } from "../../../core/trace/job_trace.ts";
import { tokenPrefixes } from "../../../core/trace/masker.ts";
import { type JobFacts, JobRecord } from "../../../core/trace/record.ts";
import type { JobTrace } from "../../../core/trace/trace.ts";
import { Semaphore } from "../../../core/util/semaphore.ts";
import {
  FACTS,
  FakeJob,
  HastyClock,
  idle,
  ManualClock,
  MemoryLog,
  NEVER,
  OVER,
  rejected,
  UNREACHABLE,
} from "./fake_job.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

function tracing(options: Partial<TraceOptions> & { facts?: Partial<JobFacts> } = {}) {
  const directory = temporaryDirectory();
  const job = new FakeJob();
  const log = new MemoryLog();
  const told: string[] = [];
  const record = JobRecord.create(directory.path, { ...FACTS, ...options.facts });
  const trace = openTrace({
    record,
    handle: job,
    limitBytes: 4 * 1024 * 1024,
    sections: true,
    masks: ["S3cr3t-Value"],
    tokenPrefixes: tokenPrefixes([], { all: true }),
    dynamicKeepAlive: false,
    chunks: new Semaphore(4),
    logger: log,
    clock: new ManualClock(),
    onCancel: () => told.push("cancel"),
    onAbort: () => told.push("abort"),
    onDiskFailure: (failure) => told.push(failure.message),
    ...options,
  });
  return { job, log, told, record, trace, [Symbol.dispose]: directory[Symbol.dispose] };
}

function write(trace: JobTrace, text: string, stream?: "stdout" | "stderr"): void {
  void trace.output.write(Buffer.from(text), stream);
}

/** What gitlab-runner 19.4 writes for a small job, in the order of its calls. */
function smallJob(trace: JobTrace): void {
  trace.print("Running with gitlab-runner 19.4.0 (abcdef12)");
  trace.startSection("prepare_executor", 'Preparing the "shell" executor');
  trace.print("Using Shell (bash) executor...");
  trace.endSection("prepare_executor");
  trace.startSection("step_script", 'Executing "step_script" stage of the job script');
  write(trace, "\x1b[32;1m$ printf no-newline\x1b[0;m\nno-newline");
  write(trace, "err\n", "stderr");
  write(trace, "\x1b[32;1m$ true\x1b[0;m\n");
  trace.endSection("step_script");
  trace.warning("Retrying...");
  trace.notice("Job succeeded");
}

describe("JobTrace bytes", () => {
  test("are those of GitLab Runner without timestamps", async () => {
    using run = tracing();
    smallJob(run.trace);
    run.trace.error("Job failed: exit status 7");
    await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(run.job.text.replaceAll(/:1\d{9}:/g, ":0:")).toBe(
      "\x1b[0KRunning with gitlab-runner 19.4.0 (abcdef12)\x1b[0;m\n" +
        "section_start:0:prepare_executor\r\x1b[0K" +
        '\x1b[0K\x1b[36;1mPreparing the "shell" executor\x1b[0;m\x1b[0;m\n' +
        "\x1b[0KUsing Shell (bash) executor...\x1b[0;m\n" +
        "section_end:0:prepare_executor\r\x1b[0Ksection_start:0:step_script\r\x1b[0K" +
        '\x1b[0K\x1b[36;1mExecuting "step_script" stage of the job script\x1b[0;m\x1b[0;m\n' +
        "\x1b[32;1m$ printf no-newline\x1b[0;m\nno-newlineerr\n\x1b[32;1m$ true\x1b[0;m\n" +
        "section_end:0:step_script\r\x1b[0K\x1b[0;33mWARNING: Retrying...\x1b[0;m\n" +
        "\x1b[32;1mJob succeeded\x1b[0;m\n" +
        "\x1b[31;1mERROR: Job failed: exit status 7\x1b[0;m\n",
    );
  });

  test("are those of GitLab Runner with timestamps", async () => {
    using run = tracing({ facts: { timestamps: true } });
    smallJob(run.trace);
    await run.trace.finish({ state: "success" }, { signal: NEVER });
    const text = run.job.text.replaceAll(/:1\d{9}:/g, ":0:");
    expect(text).toMatch(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z 0[01][OE][ +][^\n]*\n)+$/);
    expect(text.replaceAll(/^\S+ /gm, "").split("\n")).toEqual([
      "00O \x1b[0KRunning with gitlab-runner 19.4.0 (abcdef12)\x1b[0;m",
      "00O section_start:0:prepare_executor\r\x1b[0K",
      '00O+\x1b[0K\x1b[36;1mPreparing the "shell" executor\x1b[0;m\x1b[0;m',
      "00O \x1b[0KUsing Shell (bash) executor...\x1b[0;m",
      "00O section_end:0:prepare_executor\r\x1b[0K",
      "00O+section_start:0:step_script\r\x1b[0K",
      '00O+\x1b[0K\x1b[36;1mExecuting "step_script" stage of the job script\x1b[0;m\x1b[0;m',
      "01O \x1b[32;1m$ printf no-newline\x1b[0;m",
      "01E err",
      "01O no-newline\x1b[32;1m$ true\x1b[0;m",
      "00O section_end:0:step_script\r\x1b[0K",
      "00O \x1b[0;33mWARNING: Retrying...\x1b[0;m",
      "00O \x1b[32;1mJob succeeded\x1b[0;m",
      "",
    ]);
  });

  test("have titles but no markers for a coordinator that does not know sections", async () => {
    using run = tracing({ sections: false });
    run.trace.startSection("a", "Title");
    run.trace.endSection("a");
    await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(run.job.text).toBe("\x1b[0K\x1b[36;1mTitle\x1b[0;m\x1b[0;m\n");
  });

  test("mark collapsed sections", async () => {
    using run = tracing();
    run.trace.startSection("a", "T", { collapsed: true });
    await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(run.job.text).toMatch(/^section_start:\d{10}:a\[collapsed=true\]\r\x1b\[0K\x1b\[0K/);
  });

  test("equal what the job printed, also where that is no UTF-8", async () => {
    using run = tracing();
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 256));
    for (let at = 0; at < bytes.length; at += 777) {
      const part = Buffer.from(bytes.subarray(at, at + 777));
      await run.trace.output.write(part);
      part.fill(0);
    }
    await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(run.job.stored.equals(bytes)).toBe(true);
  });

  test("never hold a secret, in the runner's lines, in either stream, or on disk", async () => {
    using run = tracing({ facts: { timestamps: true } });
    run.trace.print("token S3cr3t-Value");
    for (const letter of "a S3cr3t-Value b\n") {
      write(run.trace, letter, "stdout");
      write(run.trace, letter, "stderr");
    }
    run.trace.addMasks(["added later", ""]);
    write(run.trace, "added later\n");
    run.trace.endSection("a");
    await idle();
    const stored = readFileSync(join(run.record.path, "trace.log"), "latin1");
    expect(stored.replaceAll(/^\S+ /gm, "").split("\n").slice(0, 4)).toEqual([
      "00O \x1b[0Ktoken [MASKED]\x1b[0;m",
      "01O a [MASKED] b",
      "01E a [MASKED] b",
      "01O [MASKED]",
    ]);
    await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(run.job.text).not.toContain("S3cr3t");
  });

  test("show what looked like a secret's start when its build stage ends", async () => {
    using run = tracing();
    write(run.trace, "S3cr3t");
    run.trace.endSection("a");
    await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(run.job.text).toStartWith("S3cr3tsection_end:");
  });

  test("end at the limit, with a notice and the job's result", async () => {
    using run = tracing({ limitBytes: 10 * 1024 });
    for (let i = 0; i < 300; i++) write(run.trace, `${"x".repeat(999)}\n`);
    write(run.trace, "tail-marker\n");
    run.trace.endSection("step_script");
    run.trace.notice("Job succeeded");
    const delivery = await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(delivery).toEqual({ kind: "delivered", complete: true });
    expect(run.job.text.match(/Job's log exceeded limit of 10240 bytes\./g)?.length).toBe(1);
    expect(run.job.text).not.toContain("tail-marker");
    expect(run.job.text).toEndWith("\x1b[32;1mJob succeeded\x1b[0;m\n");
    expect(run.job.stored.length).toBeLessThan(10 * 1024 + 400);
  });
});

describe("JobTrace delivery", () => {
  test("sends first bytes while the job runs, the rest and the result at its end", async () => {
    using run = tracing();
    run.trace.print("first");
    await idle();
    expect(run.job.text).toContain("first");
    write(run.trace, "last");
    const state = { state: "failed", failureReason: "script_failure", exitCode: 7 } as const;
    expect(await run.trace.finish(state, { signal: NEVER })).toEqual({
      kind: "delivered",
      complete: true,
    });
    expect(run.job.text).toEndWith("last");
    expect(run.job.final).toEqual({
      ...state,
      trace: { crc32: Bun.hash.crc32(run.job.stored), size: run.job.stored.length },
    });
    expect(run.job.mostConcurrent).toBe(1);
  });

  test("keeps trace and result on disk for a coordinator that is down", async () => {
    using run = tracing({ clock: new HastyClock() });
    run.job.onPatch = () => UNREACHABLE;
    run.job.onUpdate = () => rejected(502);
    write(run.trace, "all of it");
    const delivery = await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(delivery).toEqual({ kind: "kept", why: "refused" });
    expect(run.record.finalState).toEqual({ state: "success" });
    expect(readFileSync(join(run.record.path, "trace.log"), "utf8")).toBe("all of it");
  });

  test("has decided the result on disk before it is sent", async () => {
    using run = tracing();
    let onDisk: unknown;
    run.job.onUpdate = () => {
      onDisk = JSON.parse(readFileSync(join(run.record.path, "job.json"), "utf8")).final?.state;
      return undefined;
    };
    await run.trace.finish({ state: "success" }, { signal: NEVER });
    expect(onDisk).toBe("success");
  });

  test("leaves the result to the next process when this one must go down", async () => {
    using run = tracing();
    const controller = new AbortController();
    run.job.onPatch = () => {
      controller.abort(new Error("shutting down"));
      return UNREACHABLE;
    };
    write(run.trace, "text");
    const delivery = await run.trace.finish({ state: "success" }, { signal: controller.signal });
    expect(delivery).toEqual({ kind: "kept", why: "shutting down" });
    expect(existsSync(run.record.path)).toBe(true);
  });

  test("tells of cancel and abort, and has nothing to deliver after that", async () => {
    using run = tracing();
    run.job.answer = { cancelRequested: true, updateIntervalMs: undefined };
    run.trace.print("a");
    await idle();
    expect(run.told).toEqual(["cancel"]);
    run.job.onPatch = () => OVER;
    run.job.onUpdate = () => OVER;
    run.trace.print("b");
    expect(await run.trace.finish({ state: "failed" }, { signal: NEVER })).toEqual({
      kind: "job-over",
    });
    expect(run.told).toEqual(["cancel", "abort"]);
  });

  test("ignores output that comes while the end is being sent, and after it", async () => {
    using run = tracing({ clock: new HastyClock() });
    write(run.trace, "in time");
    run.job.onPatch = (_, nth) => {
      write(run.trace, "late");
      run.trace.print("late");
      return nth === 1 ? UNREACHABLE : undefined;
    };
    expect(await run.trace.finish({ state: "success" }, { signal: NEVER })).toEqual({
      kind: "delivered",
      complete: true,
    });
    write(run.trace, "late");
    await idle();
    expect(run.job.text).toBe("in time");
    expect(run.job.final?.trace).toEqual({ crc32: Bun.hash.crc32("in time"), size: 7 });
  });
});
