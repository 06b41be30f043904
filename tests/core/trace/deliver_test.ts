import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { JobUpdate } from "../../../core/coordinator/coordinator.ts";
import type { FinalState } from "../../../core/job/result.ts";
import { deliver } from "../../../core/trace/deliver.ts";
import { Spool } from "../../../core/trace/spool.ts";
import type { Delivery } from "../../../core/trace/trace.ts";
import { TraceLink } from "../../../core/trace/trace_link.ts";
import { Semaphore } from "../../../core/util/semaphore.ts";
import {
  FakeJob,
  HastyClock,
  NEVER,
  OVER,
  QUIET_ANSWER,
  rejected,
  UNREACHABLE,
} from "./fake_job.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

const TEXT = "0123456789".repeat(200_000);
const SUCCESS: FinalState = { state: "success" };

async function delivering(
  job: FakeJob,
  options: { text?: string; state?: FinalState; signal?: AbortSignal } = {},
): Promise<{ delivery: Delivery; clock: HastyClock }> {
  using directory = temporaryDirectory();
  await using spool = Spool.create(join(directory.path, "trace.log"));
  const text = Buffer.from(options.text ?? TEXT);
  spool.append(text, 0, text.length, false);
  await spool.flush();
  const clock = new HastyClock();
  const link = new TraceLink({ handle: job, spool, debugTrace: true, chunks: new Semaphore(1) });
  const signal = options.signal ?? NEVER;
  return { delivery: await deliver(link, options.state ?? SUCCESS, { clock, signal }), clock };
}

function finals(job: FakeJob): JobUpdate[] {
  return job.updates.filter((update) => update.state !== "running");
}

describe("deliver", () => {
  test("sends all of the trace without a pause, then the result with its checksum", async () => {
    const job = new FakeJob();
    const { delivery, clock } = await delivering(job);
    expect(delivery).toEqual({ kind: "delivered", complete: true });
    expect(job.text).toBe(TEXT);
    expect(clock.waits).toEqual([]);
    expect(job.patches.every((patch) => patch.debugTrace)).toBe(true);
    expect(job.calls.at(-1)).toEqual({
      state: "success",
      trace: { crc32: Bun.hash.crc32(TEXT), size: TEXT.length },
    });
  });

  test("repeats the same result at the pace of 202 answers", async () => {
    const job = new FakeJob();
    job.onUpdate = (_, nth) =>
      nth <= 3
        ? { kind: "pending", cancelRequested: false, updateIntervalMs: 1000 * 2 ** (nth - 1) }
        : undefined;
    const { delivery, clock } = await delivering(job);
    expect(delivery.kind).toBe("delivered");
    expect(clock.waits).toEqual([1000, 2000, 4000]);
    expect(new Set(job.updates.map((update) => JSON.stringify(update))).size).toBe(1);
  });

  test("keeps a result that is answered 202 for ten minutes", async () => {
    const job = new FakeJob();
    job.onUpdate = () => ({ kind: "pending", cancelRequested: false, updateIntervalMs: 900_000 });
    const { delivery, clock } = await delivering(job);
    expect(delivery.kind).toBe("kept");
    expect(Math.max(...clock.waits)).toBe(64_000);
    expect(clock.waits.length).toBe(10);
  });

  test("sends the whole trace again after a 412, following a 416", async () => {
    const job = new FakeJob();
    job.onUpdate = (_, nth) => {
      if (nth > 1) return undefined;
      job.stored = Buffer.from(TEXT.slice(0, 1_500_000));
      return { ...QUIET_ANSWER, kind: "trace-refused" };
    };
    const { delivery } = await delivering(job);
    expect(delivery).toEqual({ kind: "delivered", complete: true });
    expect(job.text).toBe(TEXT);
  });

  test("gives up an endless 412, 416 and pause in between", async () => {
    const job = new FakeJob();
    job.onUpdate = () => ({ ...QUIET_ANSWER, kind: "trace-refused" });
    expect((await delivering(job)).delivery.kind).toBe("kept");
    expect(finals(job).length).toBe(4);
  });

  test("delivers the result although 416 never ends", async () => {
    const job = new FakeJob();
    job.onPatch = () => ({ ...QUIET_ANSWER, kind: "range-mismatch", size: 0 });
    const { delivery } = await delivering(job);
    expect(delivery).toEqual({ kind: "delivered", complete: false });
    expect(job.patches.length).toBe(11);
  });

  test("delivers the result when the coordinator has more of the trace than we", async () => {
    const job = new FakeJob();
    job.stored = Buffer.alloc(TEXT.length + 5);
    const { delivery } = await delivering(job);
    expect(delivery).toEqual({ kind: "delivered", complete: false });
    expect(job.patches.length).toBe(1);
  });

  test.each([400, 401, 413, 500])(
    "delivers the result although every PATCH is answered %d",
    async (status) => {
      const job = new FakeJob();
      job.onPatch = () => rejected(status);
      const { delivery, clock } = await delivering(job, { text: "abc" });
      expect(delivery).toEqual({ kind: "delivered", complete: false });
      expect(clock.waits).toEqual([1000, 2000, 4000]);
      expect(job.updates.map((update) => update.state)).toEqual(["running", "success"]);
    },
  );

  test("sends the trace first when the coordinator comes back between a PATCH and the result", async () => {
    const job = new FakeJob();
    job.onPatch = (_, nth) => nth <= 4 ? UNREACHABLE : undefined;
    const { delivery } = await delivering(job, { text: "abc" });
    expect(delivery).toEqual({ kind: "delivered", complete: true });
    expect(job.text).toBe("abc");
  });

  test("keeps the result of a coordinator that is down, without sending it", async () => {
    for (const outcome of [UNREACHABLE, rejected(503)]) {
      const job = new FakeJob();
      job.onPatch = () => outcome;
      job.onUpdate = () => outcome;
      const { delivery, clock } = await delivering(job);
      expect(delivery).toEqual({ kind: "kept", why: outcome.message });
      expect(clock.waits).toEqual([1000, 2000, 4000]);
      expect(finals(job)).toEqual([]);
    }
  });

  test("keeps a result that is not taken in a few quick tries", async () => {
    const job = new FakeJob();
    job.onUpdate = () => rejected(500);
    const { delivery, clock } = await delivering(job);
    expect(delivery).toEqual({ kind: "kept", why: "status 500" });
    expect(clock.waits).toEqual([1000, 2000, 4000]);
  });

  test("takes a repeated result's 403 or 404 for the end", async () => {
    for (const end of [OVER, { ...QUIET_ANSWER, kind: "job-not-found" } as const]) {
      const job = new FakeJob();
      job.onUpdate = (_, nth) => nth === 1 ? UNREACHABLE : end;
      expect((await delivering(job)).delivery).toEqual({ kind: "job-over" });
      expect(job.updates.length).toBe(2);
    }
  });

  test("tells the result once to a coordinator that no longer takes the trace", async () => {
    const job = new FakeJob();
    job.onPatch = () => OVER;
    job.onUpdate = () => OVER;
    expect((await delivering(job)).delivery).toEqual({ kind: "job-over" });
    expect(job.calls.length).toBe(2);
  });

  test.each([
    ["unknown_failure", "script_failure"],
    ["runner_configuration_error", "script_failure"],
    ["image_pull_failure", "runner_system_failure"],
    ["runner_interrupted", "runner_system_failure"],
  ])("says %s as %s to a coordinator that answers 400", async (reason, older) => {
    const job = new FakeJob();
    job.onUpdate = (_, nth) => nth === 1 ? rejected(400) : undefined;
    const state: FinalState = { state: "failed", failureReason: reason, exitCode: 3 };
    const { delivery, clock } = await delivering(job, { state });
    expect(delivery.kind).toBe("delivered");
    expect(clock.waits).toEqual([]);
    expect(job.updates).toEqual([
      expect.objectContaining({ ...state }),
      expect.objectContaining({ ...state, failureReason: older }),
    ]);
  });

  test("stops when aborted", async () => {
    const controller = new AbortController();
    const job = new FakeJob();
    job.onUpdate = () => {
      controller.abort(new Error("going down"));
      return UNREACHABLE;
    };
    await expect(delivering(job, { signal: controller.signal })).rejects.toThrow("going down");
  });
});
