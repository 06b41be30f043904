/** Executors in processes of their own: what the protocol costs, and a job of the custom plugin. */

import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runnerConfig } from "../../../core/config/entry.ts";
import { createProcessLog } from "../../../core/log/process_log.ts";
import { type CheckBench, checkIO, openJob } from "../../../core/plugin/check/bench.ts";
import { builtInPlugin, PluginMarks } from "../../../executors/plugin/mod.ts";
import { bash } from "../../../shells/bash.ts";
import type { Benchmark, MeasureOptions } from "../benchmark.ts";
import { Lab } from "../lab.ts";
import { NO_OP, oneByOne } from "./short_jobs.ts";

const REQUESTS = 1000;
const OUTPUT_BYTES = 200e6;

export const plugin: Benchmark = {
  name: "plugin",
  runs: 7,
  quantities: [
    { what: "start of the custom plugin, to its first answers", unit: "ms", goal: 60 },
    { what: "… a request and its answer", unit: "ms", goal: 0.2 },
    { what: "… 200 MB of a job's output", unit: "s", goal: 1 },
  ],
  async *measure({ executable, runs, scratch }) {
    const driver = program(scratch, "driver", `exec head -c ${OUTPUT_BYTES} /dev/zero`);
    for (let run = 0; run < runs; run++) {
      await using bench = openBench({ executable, scratch }, driver);
      const started = performance.now();
      await using job = await openJob(bench);
      const startMs = performance.now() - started;
      const asked = performance.now();
      for (let index = 0; index < REQUESTS; index++) await job.executor.finish(SUCCESS);
      const requestMs = (performance.now() - asked) / REQUESTS;
      let bytes = 0;
      const io = checkIO((chunk) => void (bytes += chunk.length));
      const ran = performance.now();
      await job.run("true", io);
      const outputMs = performance.now() - ran;
      if (bytes !== OUTPUT_BYTES) throw new Error(`Only ${bytes} of ${OUTPUT_BYTES} bytes came`);
      yield [startMs, requestMs, outputMs / 1000];
    }
  },
};

const SUCCESS = { kind: "success" } as const;

/** The least that a driver can be; it counts its calls. */
const DRIVER = 'printf . >> "$0-calls"; exec bash "$1"';

export const customJob: Benchmark = {
  name: "custom",
  runs: 21,
  quantities: [{ what: "custom job `true`, beyond shell and driver", unit: "ms", goal: 25 }],
  async *measure({ executable, runs, scratch }) {
    const driver = program(scratch, "driver", DRIVER);
    await using shell = await Lab.open({ executable, scratch });
    await using custom = await Lab.open({
      executable,
      scratch,
      entry: ['executor = "custom"', "[runners.custom]", `run_exec = "${driver}"`],
    });
    await custom.run(NO_OP);
    const calls = statSync(`${driver}-calls`).size;
    // Taken in turns, so that both meet the same machine.
    const inShell = oneByOne(shell, NO_OP, runs);
    for await (const [customMs = 0] of oneByOne(custom, NO_OP, runs)) {
      const { value: [shellMs = 0] = [] } = await inShell.next();
      yield [customMs - shellMs - driverMs(driver, calls)];
    }
  },
};

/** What so many calls of the driver take by themselves, but for the one shell that any job needs. */
function driverMs(driver: string, calls: number): number {
  const started = performance.now();
  for (let call = 0; call < calls; call++) Bun.spawnSync([driver, "/dev/null"]);
  const shellStarted = performance.now();
  Bun.spawnSync(["bash", "/dev/null"]);
  return shellStarted - started - (performance.now() - shellStarted);
}

function program(scratch: string, name: string, body: string): string {
  const path = join(mkdtempSync(join(scratch, "programs-")), name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

function openBench(
  { executable, scratch }: Pick<MeasureOptions, "executable" | "scratch">,
  driver: string,
): CheckBench & AsyncDisposable {
  const stateDir = mkdtempSync(join(scratch, "state-"));
  const provider = builtInPlugin("custom", {
    env: process.env,
    executable,
    marks: new PluginMarks(),
  });
  const { logger } = createProcessLog({
    level: "info",
    format: "runner",
    colors: false,
    write: (line) => void process.stderr.write(line),
  });
  return {
    provider,
    config: runnerConfig({
      name: "bench",
      url: "https://gitlab.example.com",
      token: "glrt-abcdefghijklmnop",
      executor: "custom",
      builds_dir: stateDir,
      cache_dir: stateDir,
      custom: { run_exec: driver },
    }),
    host: { logger, systemId: "s_bench", stateDir },
    shell: bash,
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  };
}
