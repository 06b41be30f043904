/** What a manager costs that has nothing to do. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually, RunnerProcess } from "./runner_process.ts";

/** Hundredths of a second of processor time that a process has used. */
function ticks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
  return (user ?? 0) + (system ?? 0);
}

test("a manager without any runner waits for one without using the processor", async () => {
  await using process = new RunnerProcess();
  process.configure([]);
  process.start();
  await eventually(() => process.log.includes("Configuration loaded"), "the start");
  await sleep(1000);
  const before = ticks(process.pid);
  await sleep(2000);
  expect(ticks(process.pid) - before).toBeLessThan(10);
  expect(await process.stop()).toBe(0);
});
