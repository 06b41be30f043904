/** What a plugin has to keep beyond the contract of an executor: that of a process. */

import { checkIO, openJob, uniqueNap, until } from "../../core/plugin/check/bench.ts";
import type { CheckCase } from "../../core/plugin/check/check_case.ts";
import { expectEqual, expectTrue } from "../../core/plugin/check/expect.ts";
import { SystemFailure } from "../../core/errors.ts";
import { isAlive } from "../../core/util/is_alive.ts";
import { PluginExecutorProvider } from "./provider.ts";

export const PROCESS_CASES: readonly CheckCase[] = [
  {
    name: "a plugin that is killed fails its job as a system failure, and the next job works",
    async run(bench) {
      const { provider } = bench;
      if (!(provider instanceof PluginExecutorProvider)) return;
      const job = await openJob(bench);
      const io = checkIO();
      const ended = job.run(`echo up; sleep ${uniqueNap()}`, io).then(
        () => undefined,
        (why) => why,
      );
      await until(() => io.text() === "up\n", "the script has begun");
      const started = performance.now();
      for (const pid of provider.pids) process.kill(pid, "SIGKILL");
      expectTrue("run does not reject with a system failure", await ended instanceof SystemFailure);
      expectTrue("it took over 5 seconds", performance.now() - started < 5000);
      await job[Symbol.asyncDispose]();
      await using next = await openJob(bench);
      const after = checkIO();
      await next.run("echo again", after);
      expectEqual("the next job's output", after.text(), "again\n");
    },
  },
  {
    name: "a plugin ends when its input is closed",
    async run(bench) {
      const { provider } = bench;
      if (!(provider instanceof PluginExecutorProvider)) return;
      const job = await openJob(bench);
      await job[Symbol.asyncDispose]();
      const { pids } = provider;
      const started = performance.now();
      await provider[Symbol.asyncDispose]();
      expectTrue("it had to be killed", performance.now() - started < 10_000);
      expectEqual("still running", pids.filter(isAlive), []);
    },
  },
];
