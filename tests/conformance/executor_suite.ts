/** The contract of an executor, as cases that every implementation passes. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { runnerConfig } from "../../core/config/entry.ts";
import type { RunnerConfig } from "../../core/config/schema.ts";
import type { ExecutorHost, ExecutorProvider } from "../../core/executor.ts";
import type { Logger } from "../../core/log/logger.ts";
import { checkIO, NEVER, openJob, uniqueNap } from "../../core/plugin/check/bench.ts";
import { EXECUTOR_CASES } from "../../core/plugin/check/cases.ts";
import type { Shell } from "../../core/shell.ts";
import { delay } from "../../core/util/abort.ts";

/** A provider with directories of its own, which go when it is disposed of. */
export interface ExecutorBench extends AsyncDisposable {
  readonly provider: ExecutorProvider;
  readonly config: RunnerConfig;
  readonly host: ExecutorHost;
}

export interface ExecutorUnderTest {
  readonly shell: Shell;
  open(): Promise<ExecutorBench>;
}

const quiet = () => {};
export const SILENT: Logger = {
  debug: quiet,
  info: quiet,
  warning: quiet,
  error: quiet,
  fatal: quiet,
  with: () => SILENT,
};

/** A runner entry with all defaults, for `values` to change. */
export function testConfig(values: Record<string, unknown>): RunnerConfig {
  return runnerConfig({
    name: "under-test",
    url: "https://gitlab.example.com",
    token: "glrt-abcdefghijklmnop",
    ...values,
  });
}

export { checkIO as testIO, checkSpec as testSpec } from "../../core/plugin/check/bench.ts";

/** Whether some process of this host has `argument` on its command line. */
export function isRunning(argument: string): boolean {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(argument);
    } catch {
      return false;
    }
  });
}

export async function until(what: () => boolean, limitMs = 3000): Promise<void> {
  for (const end = performance.now() + limitMs; !what();) {
    if (performance.now() > end) throw new Error(`Waited ${limitMs} ms for ${what}`);
    await delay(5);
  }
}

export function executorSuite(name: string, under: ExecutorUnderTest): void {
  const open = async () => Object.assign(await under.open(), { shell: under.shell });
  describe(name, () => {
    for (const { name: promise, run } of EXECUTOR_CASES) {
      test(promise, async () => {
        await using bench = await open();
        await run(bench);
      }, 20_000);
    }

    test("a slow sink slows the script down instead of filling memory", async () => {
      await using bench = await open();
      await using job = await openJob(bench);
      // What is held counts, and not what the collector has yet to take.
      const held = () => {
        Bun.gc(true);
        return process.memoryUsage.rss();
      };
      const before = held();
      let [bytes, peak, looked] = [0, 0, 0];
      const io = checkIO(async (chunk) => {
        bytes += chunk.length;
        if (bytes % 8 === 0) await delay(1);
        if (bytes - looked > 2_000_000) {
          looked = bytes;
          peak = Math.max(peak, held() - before);
        }
      });
      await job.run("head -c 50000000 /dev/zero", io);
      expect(bytes).toBe(50_000_000);
      expect(peak).toBeLessThan(32 * 1024 * 1024);
    }, 20_000);

    test("dispose leaves no process on this host", async () => {
      await using bench = await open();
      const job = await openJob(bench);
      const naps = [uniqueNap(), uniqueNap()];
      const code = `setsid sleep ${naps[0]} & sleep ${naps[1]}`;
      const running = job.run(code).catch(() => "rejected");
      await until(() => naps.every(isRunning));
      await job[Symbol.asyncDispose]();
      expect(naps.filter(isRunning)).toEqual([]);
      expect(await running).toBe("rejected");
    });

    test("reap ends the processes of a noted job and nobody else's", async () => {
      const io = checkIO();
      await using bench = await open();
      await using job = await openJob(bench, { io });
      await using elsewhere = await open();
      await using other = await openJob(elsewhere);
      const [nap, otherNap] = [uniqueNap(), uniqueNap()];
      // What its own manager would see, had it lived: an exit, or that its environment is gone.
      const running = job.run(`setsid sleep ${nap} & wait`).catch(() => {});
      const otherRunning = other.run(`sleep ${otherNap}`).catch(() => {});
      await until(() => isRunning(nap) && isRunning(otherNap));
      const [note] = io.notes;
      if (note === undefined) throw new Error("nothing was remembered before the first process");
      await using next = await open();
      const { config, host } = next;
      await next.provider.reap?.(note, { config, host, signal: NEVER });
      expect([isRunning(nap), isRunning(otherNap)]).toEqual([false, true]);
      await running;
      await next.provider.reap?.(note, { config, host, signal: NEVER });
      await other.executor[Symbol.asyncDispose]();
      await otherRunning;
    });
  });
}
