/** What holds when a job is ended before its time. */

import { delay, JobCanceled } from "../../util/abort.ts";
import { checkIO, openJob, running, uniqueNap, until } from "./bench.ts";
import { type CheckCase, endOf, onJob } from "./check_case.ts";
import { expectEqual, expectTrue } from "./expect.ts";

export const CANCEL_CASES: readonly CheckCase[] = [
  onJob("run rejects with the signal's reason once every process has ended", async (job) => {
    const naps = [uniqueNap(), uniqueNap()];
    const stop = new AbortController();
    const io = checkIO();
    const code = `setsid sleep ${naps[0]} &\nsleep ${naps[1]} &\necho up; wait`;
    const ended = job.run(code, io, { signal: stop.signal }).then(() => "resolved", (why) => why);
    await until(() => io.text() === "up\n", "the script has begun");
    const reason = new JobCanceled();
    stop.abort(reason);
    expectEqual("what it rejects with", await ended, reason);
    expectEqual("left running", await running(job, naps), []);
  }),
  onJob("an aborted script gets the chance to tidy up, and its words are kept", async (job) => {
    const stop = new AbortController();
    const io = checkIO();
    const ended = job.run(
      "sh -c 'trap \"sleep 0.1; echo tidied; exit 0\" TERM; echo up; while :; do sleep 0.02; done'",
      io,
      { signal: stop.signal },
    ).catch(() => {});
    await until(() => io.text() === "up\n", "the script has begun");
    stop.abort(new JobCanceled());
    await ended;
    expectTrue(`its last words are lost: ${io.text()}`, io.text().includes("\ntidied\n"));
  }),
  onJob("run rejects at once when its signal has aborted before", async (job) => {
    const io = checkIO();
    const reason = new JobCanceled();
    const ended = job.run("echo ran", io, { signal: AbortSignal.abort(reason) });
    expectEqual("what it rejects with", await ended.then(() => "resolved", (why) => why), reason);
    expectEqual("the output", io.text(), "");
  }),
  onJob("run works again after an abort", async (job) => {
    const stop = new AbortController();
    const io = checkIO();
    const ended = job.run("echo up; while :; do sleep 0.05; done", io, { signal: stop.signal })
      .catch(() => {});
    await until(() => io.text() === "up\n", "the script has begun");
    stop.abort(new JobCanceled());
    await ended;
    const after = checkIO();
    expectEqual("its end", endOf(await job.run("echo after", after)), { kind: "exited", code: 0 });
    expectEqual("the output", after.text(), "after\n");
  }),
  {
    name: "dispose ends what runs, also while it prints without end",
    async run(bench) {
      for (const code of ["sleep 1000", "while :; do echo flood; done"]) {
        const job = await openJob(bench);
        const io = checkIO(() => delay(1));
        const ended = job.run(`echo up; ${code}`, io).then(() => "resolved", () => "rejected");
        await delay(100);
        await job[Symbol.asyncDispose]();
        expectEqual("run", await ended, "rejected");
      }
    },
  },
];
