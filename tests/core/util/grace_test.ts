import { expect, test } from "bun:test";
import { JobCanceled, ProcessShutdown } from "../../../core/util/abort.ts";
import { ExecutorDisposed, graceFor } from "../../../core/util/grace.ts";

test("graceFor() gives the usual time, less in a hurry, and none when nobody waits", () => {
  expect(graceFor(new JobCanceled(), 30_000)).toBe(30_000);
  expect(graceFor(new ProcessShutdown(false), 30_000)).toBe(30_000);
  expect(graceFor(new ProcessShutdown(true), 30_000)).toBe(5000);
  expect(graceFor(new ProcessShutdown(true), 100)).toBe(100);
  expect(graceFor(new ExecutorDisposed(), 30_000)).toBe(0);
});
