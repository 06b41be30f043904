/** The contract of an executor, as cases that every implementation passes. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { runnerConfig } from "../../core/config/load.ts";
import type { RunnerConfig } from "../../core/config/schema.ts";
import type {
  Executor,
  ExecutorHost,
  ExecutorIO,
  ExecutorNote,
  ExecutorProvider,
  ExitStatus,
  PreparedEnvironment,
} from "../../core/executor.ts";
import { JobResponse } from "../../core/job/response.ts";
import { type JobSpec, jobSpec } from "../../core/job/spec.ts";
import type { Logger } from "../../core/log/logger.ts";
import type { ScriptOp, Shell } from "../../core/shell.ts";
import { delay, JobCanceled } from "../../core/util/abort.ts";

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

export function testSpec(values: { project?: number; slot?: number } = {}): JobSpec {
  const response = JobResponse.parse({
    id: 1,
    token: "job-token",
    job_info: { name: "test", stage: "test", project_id: values.project ?? 1 },
  });
  return jobSpec(response, { slot: { runner: 0, project: values.slot ?? 0 }, tls: {} });
}

export interface TestIO extends ExecutorIO {
  readonly lines: string[];
  readonly notes: ExecutorNote[];
  text(): string;
}

export function testIO(write?: (bytes: Uint8Array) => Promise<void> | undefined): TestIO {
  const lines: string[] = [];
  const notes: ExecutorNote[] = [];
  const chunks: Uint8Array[] = [];
  const say = (text: string) => void lines.push(text);
  return {
    lines,
    notes,
    log: { print: say, notice: say, warning: say, error: say },
    output: { write: write ?? ((bytes) => void chunks.push(bytes.slice())) },
    remember: (note) => void notes.push(note),
    text: () => Buffer.concat(chunks).toString(),
  };
}

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

/** An argument for `sleep` that no other process has. */
export function uniqueNap(): string {
  return `9${String(Math.floor(Math.random() * 1e9)).padStart(9, "0")}`;
}

const NEVER = new AbortController().signal;

/** One executor, prepared. */
export class Bench implements AsyncDisposable {
  readonly executor: Executor;
  readonly environment: PreparedEnvironment;
  readonly #under: ExecutorUnderTest;
  readonly #bench: ExecutorBench;

  private constructor(
    under: ExecutorUnderTest,
    bench: ExecutorBench,
    executor: Executor,
    environment: PreparedEnvironment,
  ) {
    this.#under = under;
    this.#bench = bench;
    this.executor = executor;
    this.environment = environment;
  }

  static async open(under: ExecutorUnderTest, io: ExecutorIO = testIO()): Promise<Bench> {
    const bench = await under.open();
    const executor = await bench.provider.acquire(bench.config, {
      host: bench.host,
      signal: NEVER,
    });
    if (executor === undefined) throw new Error("no capacity");
    const environment = await executor.prepare(testSpec(), io, { signal: NEVER });
    return new Bench(under, bench, executor, environment);
  }

  /** Runs `code` as a user's only command. */
  run(
    code: string,
    io: ExecutorIO = testIO(),
    options: { signal: AbortSignal } = { signal: NEVER },
  ): Promise<ExitStatus> {
    const ops: readonly ScriptOp[] = [{ kind: "user-command", code }];
    const { shell } = this.#under;
    const { os, login } = this.environment;
    return this.executor.run(
      {
        stage: "step_script",
        script: shell.render(ops, { debugTrace: false, checkExitCodes: false }),
        invocation: shell.invocation({ os, login }),
        target: "build",
      },
      io,
      options,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.executor[Symbol.asyncDispose]();
    await this.#bench[Symbol.asyncDispose]();
  }
}

export function executorSuite(name: string, under: ExecutorUnderTest): void {
  describe(name, () => {
    const open = (io?: ExecutorIO) => Bench.open(under, io);

    test("prepare answers with absolute paths", async () => {
      await using bench = await open();
      const { buildsDir, cacheDir } = bench.environment;
      expect([buildsDir, cacheDir].filter((path) => !path.startsWith("/"))).toEqual([]);
    });

    test("run resolves with the exit code, also when it is not zero", async () => {
      await using bench = await open();
      for (const code of [0, 1, 7, 255]) {
        expect(await bench.run(`exit ${code}`)).toMatchObject({ kind: "exited", code });
      }
    });

    test("run reports a command that a signal ended", async () => {
      await using bench = await open();
      expect(await bench.run("sh -c 'kill -9 $$'")).toMatchObject({ kind: "exited", code: 137 });
    });

    test("run keeps the order of both output streams", async () => {
      await using bench = await open();
      const io = testIO();
      await bench.run("i=0; while [ $i -lt 500 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done", io);
      expect(io.text()).toBe(Array.from({ length: 500 }, (_, i) => `o${i}\ne${i}\n`).join(""));
    });

    test("a script may open its output streams by name", async () => {
      await using bench = await open();
      const io = testIO();
      const exit = await bench.run("echo a > /dev/stdout; echo b | tee /dev/stderr >/dev/null", io);
      expect(exit).toMatchObject({ kind: "exited", code: 0 });
      expect(io.text()).toBe("a\nb\n");
    });

    test("a script has an empty standard input", async () => {
      await using bench = await open();
      expect(await bench.run('test -z "$(cat)"')).toMatchObject({ kind: "exited", code: 0 });
    });

    test("a script of one megabyte runs, and no byte of its output is lost", async () => {
      await using bench = await open();
      const io = testIO();
      const exit = await bench.run("echo 0123456789\n".repeat(1 << 16), io);
      expect(exit).toMatchObject({ kind: "exited", code: 0 });
      expect(io.text() === "0123456789\n".repeat(1 << 16)).toBe(true);
    });

    test("a slow sink slows the script down instead of filling memory", async () => {
      await using bench = await open();
      // What is held counts, and not what the collector has yet to take.
      const held = () => {
        Bun.gc(true);
        return process.memoryUsage.rss();
      };
      const before = held();
      let [bytes, inFlight, most, peak, looked] = [0, 0, 0, 0, 0];
      const io = testIO(async (chunk) => {
        most = Math.max(most, ++inFlight);
        bytes += chunk.length;
        if (bytes % 8 === 0) await delay(1);
        if (bytes - looked > 2_000_000) {
          looked = bytes;
          peak = Math.max(peak, held() - before);
        }
        inFlight--;
      });
      await bench.run("head -c 50000000 /dev/zero", io);
      expect({ bytes, most }).toEqual({ bytes: 50_000_000, most: 1 });
      expect(peak).toBeLessThan(32 * 1024 * 1024);
    });

    test("a sink that fails makes run reject, with nothing left running", async () => {
      await using bench = await open();
      const nap = uniqueNap();
      const io = testIO(() => Promise.reject(new Error("no space left")));
      await expect(bench.run(`echo x; sleep ${nap}`, io)).rejects.toThrow("no space left");
      await until(() => !isRunning(nap));
    });

    test("run does not wait for a child that holds the output in a session of its own", async () => {
      await using bench = await open();
      const nap = uniqueNap();
      const io = testIO();
      const started = performance.now();
      expect(await bench.run(`setsid sleep ${nap} & sleep 0.02; echo end`, io)).toMatchObject({
        code: 0,
      });
      expect(performance.now() - started).toBeLessThan(2000);
      expect(io.text()).toBe("end\n");
      expect(isRunning(nap)).toBe(false);
    });

    test("run leaves no background process behind", async () => {
      await using bench = await open();
      const naps = [uniqueNap(), uniqueNap(), uniqueNap()];
      const [plain, daemon, stubborn] = naps;
      await bench.run(
        `sleep ${plain} &\n(setsid nohup sleep ${daemon} >/dev/null 2>&1 &)\n` +
          `(trap '' TERM HUP; exec setsid sleep ${stubborn} >/dev/null 2>&1) &\nsleep 0.02`,
      );
      expect(naps.filter(isRunning)).toEqual([]);
    });

    test("run rejects with the signal's reason once every process has ended", async () => {
      await using bench = await open();
      const naps = [uniqueNap(), uniqueNap()];
      const stop = new AbortController();
      const io = testIO();
      const running = bench.run(
        `setsid sleep ${naps[0]} &\nsleep ${naps[1]} &\necho up; wait`,
        io,
        {
          signal: stop.signal,
        },
      );
      await until(() => io.text() === "up\n" && naps.every(isRunning));
      const reason = new JobCanceled();
      const started = performance.now();
      stop.abort(reason);
      expect(await running.catch((error) => error)).toBe(reason);
      expect(performance.now() - started).toBeLessThan(2000);
      expect(naps.filter(isRunning)).toEqual([]);
    });

    test("an aborted script gets the chance to tidy up, and its words are kept", async () => {
      await using bench = await open();
      const stop = new AbortController();
      const io = testIO();
      const running = bench.run(
        "sh -c 'trap \"sleep 0.1; echo tidied; exit 0\" TERM; echo up; while :; do sleep 0.02; done'",
        io,
        { signal: stop.signal },
      );
      await until(() => io.text() === "up\n");
      stop.abort(new JobCanceled());
      await running.catch(() => {});
      expect(io.text()).toContain("\ntidied\n");
    });

    test("run rejects at once when its signal has aborted before", async () => {
      await using bench = await open();
      const io = testIO();
      const reason = new JobCanceled();
      const run = bench.run("echo ran", io, { signal: AbortSignal.abort(reason) });
      expect(await run.catch((error) => error)).toBe(reason);
      expect(io.text()).toBe("");
    });

    test("run works again after an abort", async () => {
      await using bench = await open();
      const stop = new AbortController();
      const io = testIO();
      const running = bench.run("echo up; while :; do sleep 0.05; done", io, {
        signal: stop.signal,
      });
      await until(() => io.text() === "up\n");
      stop.abort(new JobCanceled());
      await running.catch(() => {});
      const after = testIO();
      expect(await bench.run("echo after", after)).toMatchObject({ code: 0 });
      expect(after.text()).toBe("after\n");
    });

    test("dispose ends what runs, and may come twice", async () => {
      await using bench = await open();
      const nap = uniqueNap();
      const running = bench.run(`sleep ${nap}`).catch(() => "rejected");
      await until(() => isRunning(nap));
      await bench.executor[Symbol.asyncDispose]();
      expect(isRunning(nap)).toBe(false);
      expect(await running).toBe("rejected");
      await bench.executor[Symbol.asyncDispose]();
    });

    test("dispose without prepare, and prepare with an aborted signal, are safe", async () => {
      await using bench = await under.open();
      const { provider, config, host } = bench;
      const executor = await provider.acquire(config, { host, signal: NEVER });
      const reason = new JobCanceled();
      const preparing = executor?.prepare(testSpec(), testIO(), {
        signal: AbortSignal.abort(reason),
      });
      expect(await preparing?.catch((error) => error)).toBe(reason);
      await executor?.[Symbol.asyncDispose]();
    });

    test("reap ends the processes of a noted job and nobody else's", async () => {
      const io = testIO();
      await using bench = await open(io);
      await using other = await open();
      const [nap, otherNap] = [uniqueNap(), uniqueNap()];
      // What its own manager would see, had it lived: an exit, or that its environment is gone.
      const running = bench.run(`setsid sleep ${nap} & wait`).catch(() => {});
      const otherRunning = other.run(`sleep ${otherNap}`).catch(() => {});
      await until(() => isRunning(nap) && isRunning(otherNap));
      const [note] = io.notes;
      if (note === undefined) throw new Error("nothing was remembered before the first process");
      await using next = await under.open();
      await next.provider.reap?.(note, { host: next.host, signal: NEVER });
      expect([isRunning(nap), isRunning(otherNap)]).toEqual([false, true]);
      await running;
      await next.provider.reap?.(note, { host: next.host, signal: NEVER });
      await other.executor[Symbol.asyncDispose]();
      await otherRunning;
    });
  });
}
