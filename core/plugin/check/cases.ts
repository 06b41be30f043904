/** The contract of an executor as checks: what holds for every one, wherever it runs jobs. */

import { CANCEL_CASES } from "./cancel_cases.ts";
import { acquire, checkIO, checkSpec, NEVER, openJob, running, uniqueNap } from "./bench.ts";
import { messageOf } from "../../errors.ts";
import { CheckFailure, expectEqual, expectTrue } from "./expect.ts";
import { type CheckCase, endOf, onJob } from "./check_case.ts";
import { delay, JobCanceled } from "../../util/abort.ts";

export const EXECUTOR_CASES: readonly CheckCase[] = [
  onJob("prepare answers with absolute paths", async ({ environment }) => {
    const { buildsDir, cacheDir } = environment;
    const relative = [buildsDir, cacheDir].filter((path) => !/^(?:\/|[A-Za-z]:)/.test(path));
    expectEqual("relative paths", relative, []);
  }),
  onJob("run resolves with the exit code, also when it is not zero", async (job) => {
    for (const code of [0, 1, 2, 7, 126, 255]) {
      expectEqual(`exit ${code}`, endOf(await job.run(`exit ${code}`)), { kind: "exited", code });
    }
  }),
  onJob("run reports a command that a signal ended", async (job) => {
    const end = endOf(await job.run("sh -c 'kill -9 $$'"));
    expectEqual("a killed command", end, { kind: "exited", code: 137 });
  }),
  onJob("run keeps the order of both output streams", async (job) => {
    const io = checkIO();
    await job.run("i=0; while [ $i -lt 500 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done", io);
    const wanted = Array.from({ length: 500 }, (_, i) => `o${i}\ne${i}\n`).join("");
    expectEqual("the output", io.text(), wanted);
  }),
  onJob("a script may open its output streams by name", async (job) => {
    const io = checkIO();
    const end = await job.run("echo a > /dev/stdout; echo b | tee /dev/stderr >/dev/null", io);
    expectEqual("its end", endOf(end), { kind: "exited", code: 0 });
    expectEqual("the output", io.text(), "a\nb\n");
  }),
  onJob("a script has an empty standard input", async (job) => {
    expectEqual("its end", endOf(await job.run('test -z "$(cat)"')), { kind: "exited", code: 0 });
  }),
  onJob("a script of one megabyte runs, and no byte of its output is lost", async (job) => {
    const io = checkIO();
    const end = await job.run("echo 0123456789\n".repeat(1 << 16), io);
    expectEqual("its end", endOf(end), { kind: "exited", code: 0 });
    expectTrue("output is missing", io.text() === "0123456789\n".repeat(1 << 16));
  }),
  onJob("output of any bytes arrives as it was written", async (job) => {
    const io = checkIO();
    await job.run("printf '\\000\\377\\303\\050\\r\\n\\033[0m'", io);
    expectEqual("the bytes", io.text(), "\0\ufffd\ufffd(\r\n\x1b[0m");
  }),
  onJob("a slow log slows the script down, and one piece is written at a time", async (job) => {
    let [bytes, inFlight, most] = [0, 0, 0];
    const io = checkIO(async (chunk) => {
      most = Math.max(most, ++inFlight);
      bytes += chunk.length;
      await delay(1);
      inFlight--;
    });
    await job.run("head -c 20000000 /dev/zero", io);
    expectEqual("bytes, pieces at once", [bytes, most], [20_000_000, 1]);
  }),
  onJob("a log that fails makes run reject with its words, and the script ends", async (job) => {
    const nap = uniqueNap();
    const io = checkIO(() => Promise.reject(new Error("no space left")));
    const why = await job.run(`echo x; sleep ${nap}`, io).then(() => "resolved", messageOf);
    expectTrue(`it says: ${why}`, why.includes("no space left"));
    expectEqual("left running", await running(job, [nap]), []);
  }),
  onJob("run does not wait for a child that holds the output open", async (job) => {
    const nap = uniqueNap();
    const io = checkIO();
    const started = performance.now();
    const end = await job.run(`setsid sleep ${nap} & sleep 0.05; echo end`, io);
    expectEqual("its end", endOf(end), { kind: "exited", code: 0 });
    expectTrue("it took over 5 seconds", performance.now() - started < 5000);
    expectEqual("the output", io.text(), "end\n");
    expectEqual("left running", await running(job, [nap]), []);
  }),
  onJob("run leaves no background process behind", async (job) => {
    const [plain, daemon, stubborn] = [uniqueNap(), uniqueNap(), uniqueNap()];
    await job.run(
      `sleep ${plain} &\n(setsid nohup sleep ${daemon} >/dev/null 2>&1 &)\n` +
        `(trap '' TERM HUP; exec setsid sleep ${stubborn} >/dev/null 2>&1) &\nsleep 0.05`,
    );
    expectEqual("left running", await running(job, [plain, daemon, stubborn]), []);
  }),
  onJob("a script stands in no process's arguments and in no file others can read", async (job) => {
    const word = `secret-${crypto.randomUUID()}`;
    const io = checkIO();
    await job.run(
      `all=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; ps -A -o args= 2>/dev/null)
case "$all" in *"${word}"*) echo arguments ;; esac
find "\${TMPDIR:-/tmp}" -maxdepth 3 -type f -perm -004 -newermt '-1 minute' 2>/dev/null |
  while read -r file; do grep -q ${word} "$file" 2>/dev/null && echo "$file"; done
true`,
      io,
    );
    expectEqual("the script was found in", io.text(), "");
  }),
  {
    name: "two jobs at a time do not meet",
    async run(bench) {
      await using one = await openJob(bench, { project: 1 });
      await using two = await openJob(bench, { project: 2 });
      const outputs = [checkIO(), checkIO()] as const;
      const code = (word: string) => `for i in 1 2 3 4 5; do echo ${word}; sleep 0.02; done`;
      const ends = await Promise.all([
        one.run(code("one"), outputs[0]),
        two.run(code("two"), outputs[1]),
      ]);
      expectEqual("their ends", ends.map(endOf), Array(2).fill({ kind: "exited", code: 0 }));
      const wanted = ["one\n".repeat(5), "two\n".repeat(5)];
      expectEqual("their outputs", outputs.map((io) => io.text()), wanted);
    },
  },
  ...CANCEL_CASES,
  {
    name: "dispose is safe without prepare, after an aborted one, and twice",
    async run(bench) {
      const executor = await acquire(bench);
      const reason = new JobCanceled();
      const error = await executor.prepare(checkSpec(), checkIO(), {
        signal: AbortSignal.abort(reason),
      }).then(() => "resolved", (why) => why);
      expectEqual("what prepare rejects with", error, reason);
      await executor[Symbol.asyncDispose]();
      await executor[Symbol.asyncDispose]();
    },
  },
  {
    name: "a second preparation begins anew",
    async run(bench) {
      const executor = await acquire(bench);
      await executor.prepare(checkSpec(), checkIO(), { signal: NEVER });
      const again = await executor.prepare(checkSpec(), checkIO(), { signal: NEVER });
      if (!again.buildsDir) throw new CheckFailure("the second preparation has no builds_dir");
      await executor.finish({ kind: "success" });
      await executor[Symbol.asyncDispose]();
    },
  },
];
