/**
 * `bun run bench -- [NAME…] [--runs N] [--json] [--executable PATH]`: measures the compiled
 * executable as a whole process against an embedded coordinator, and holds it to the design's goals.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Benchmark } from "./benchmark.ts";
import { headLine, type Row, rowLine, rowsOf } from "./report.ts";
import { dockerJob, dockerWholeJob } from "./rows/docker_jobs.ts";
import { cache, largeArtifact, smallArtifacts } from "./rows/archives.ts";
import {
  execDockerJob,
  execGraph,
  execPlan,
  execShellJob,
  execShellJobs,
  execSnapshot,
  execSources,
} from "./rows/exec.ts";
import { idle, manyAtOnce, talkingJobs } from "./rows/footprint.ts";
import { longLog } from "./rows/long_log.ts";
import { masker } from "./rows/masker.ts";
import { customJob, plugin } from "./rows/plugins.ts";
import { firstByte, gitJob, manyGitJobs, manyJobs, noOpJob } from "./rows/short_jobs.ts";

/** In the order of the design's table. */
const BENCHMARKS: readonly Benchmark[] = [
  noOpJob,
  gitJob,
  manyJobs,
  manyGitJobs,
  firstByte,
  longLog,
  masker,
  smallArtifacts,
  largeArtifact,
  cache,
  idle,
  talkingJobs,
  manyAtOnce,
  dockerJob,
  dockerWholeJob,
  plugin,
  customJob,
  execShellJob,
  execSources,
  execShellJobs,
  execDockerJob,
  execGraph,
  execPlan,
  execSnapshot,
];

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
// Nothing that is left may keep the process.
process.exit();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      runs: { type: "string" },
      json: { type: "boolean", default: false },
      executable: {
        type: "string",
        default: join(import.meta.dirname, "../../dist/runner"),
      },
    },
  });
  const executable = resolve(values.executable);
  if (!existsSync(executable)) {
    throw new Error(`There is no "${executable}": build it with "bun run build"`);
  }
  const say = values.json ? () => {} : (line: string) => process.stdout.write(`${line}\n`);
  const scratch = mkdtempSync(join(tmpdir(), "runner-bench-"));
  try {
    const rows = await runAll(selected(positionals), {
      executable,
      scratch,
      runs: values.runs === undefined ? undefined : wholeNumber(values.runs),
    }, say);
    if (values.json) process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function runAll(
  benchmarks: readonly Benchmark[],
  options: { executable: string; scratch: string; runs: number | undefined },
  say: (line: string) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  say(headLine());
  for (const benchmark of benchmarks) {
    const missing = benchmark.missing?.();
    if (missing !== undefined) {
      say(`${benchmark.name}  NOT RUN, ${missing}`);
      continue;
    }
    const runs = options.runs ?? benchmark.runs;
    const samples = await Array.fromAsync(benchmark.measure({ ...options, runs }));
    for (const row of rowsOf(benchmark, samples)) {
      rows.push(row);
      say(rowLine(row));
    }
  }
  return rows;
}

function selected(names: readonly string[]): readonly Benchmark[] {
  if (names.length === 0) return BENCHMARKS;
  return names.map((name) => {
    const benchmark = BENCHMARKS.find((each) => each.name === name);
    if (benchmark !== undefined) return benchmark;
    const known = BENCHMARKS.map((each) => each.name).join(", ");
    throw new Error(`There is no benchmark "${name}": use ${known}`);
  });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--runs "${text}" is not a whole number above 0`);
  return Number(text);
}
