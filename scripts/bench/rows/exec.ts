/** Pipelines on this machine: whole processes of `exec`, from start to exit. */

import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeImage } from "../../../tests/executors/docker/dockerd.ts";
import type { Benchmark, MeasureOptions } from "../benchmark.ts";

const SOCKET = "/var/run/docker.sock";
const FILES_PER_FOLDER = 500;

const NO_OP = "job:\n  script: ['true']\n  variables: {GIT_STRATEGY: none}\n";

export const execShellJob: Benchmark = {
  name: "exec",
  runs: 15,
  quantities: [{ what: "`exec` of one shell job `true`", unit: "ms", goal: 60 }],
  measure: (options) => measureExec(options, NO_OP),
};

export const execSources: Benchmark = {
  name: "exec-git",
  runs: 15,
  quantities: [{ what: "the same with its sources", unit: "ms", goal: 110 }],
  measure: (options) => measureExec(options, "job:\n  script: ['true']\n"),
};

export const execShellJobs: Benchmark = {
  name: "exec-twenty",
  runs: 5,
  quantities: [{ what: "`exec` of 20 such jobs", unit: "ms", goal: 250 }],
  measure: (options) => measureExec(options, `${NO_OP}  parallel: 20\n`),
};

export const execDockerJob: Benchmark = {
  name: "exec-docker",
  runs: 5,
  quantities: [{ what: "`exec` of one docker job `true`", unit: "ms", goal: 450 }],
  missing: () => existsSync(SOCKET) ? undefined : `there is no Docker Engine at ${SOCKET}`,
  async *measure(options) {
    const image = await makeImage("git.sh", `unix://${SOCKET}`);
    yield* measureExec(options, `job:\n  image: "${image}"\n  script: ['true']\n`);
  },
};

/** Three chains of jobs; the longest sleeps for three seconds. */
const GRAPH = [
  ["a1", 0.5, []],
  ["a2", 1.5, ["a1"]],
  ["a3", 1, ["a2"]],
  ["b1", 0.5, []],
  ["b2", 0.5, ["b1"]],
  ["c1", 1, []],
  ["c2", 0.5, ["c1", "a1"]],
] as const;

export const execGraph: Benchmark = {
  name: "exec-graph",
  runs: 3,
  quantities: [{ what: "`exec` of a graph with a critical path of 3.0 s", unit: "s", goal: 3.2 }],
  async *measure(options) {
    const jobs = GRAPH.map(([name, seconds, needs]) =>
      `${name}:\n  needs: [${needs.join(", ")}]\n  script: [sleep ${seconds}]\n`
    );
    for await (const [ms] of measureExec(options, jobs.join(""))) yield [ms / 1000];
  },
};

/** All that is decided about a pipeline: 100 jobs, and 400 that need two of them each. */
export const execPlan: Benchmark = {
  name: "exec-plan",
  runs: 10,
  quantities: [{ what: "`exec --list` of 500 jobs with rules and needs", unit: "ms", goal: 300 }],
  async *measure(options) {
    const jobs = Array.from({ length: 500 }, (_, at) => {
      const needs = at < 100 ? [] : [...new Set([at % 100, (at * 7) % 100])];
      const rules = 'rules: [{ if: $CI_COMMIT_BRANCH == "other" }, { when: on_success }]';
      const names = needs.map((need) => `job${need}`).join(", ");
      return `job${at}:\n  script: make\n  ${rules}\n  needs: [${names}]\n`;
    });
    yield* measureExec(options, jobs.join(""), { args: ["--list"] });
  },
};

export const execSnapshot: Benchmark = {
  name: "exec-files",
  runs: 5,
  quantities: [{ what: "`exec --list` among 50,000 files, again", unit: "s", goal: 1 }],
  async *measure(options) {
    const project = { args: ["--list"], files: 50_000 };
    for await (const [ms] of measureExec(options, NO_OP, project)) yield [ms / 1000];
  },
};

/** The first run, which makes the snapshot and the checkouts, does not count. */
async function* measureExec(
  { executable, runs, scratch }: MeasureOptions,
  pipeline: string,
  { args = [], files = 0 }: { readonly args?: readonly string[]; readonly files?: number } = {},
): AsyncGenerator<readonly [number]> {
  const directory = mkdtempSync(join(scratch, "exec-"));
  const env = { PATH: process.env["PATH"] ?? "", HOME: join(directory, "home"), LANG: "C.UTF-8" };
  const cwd = join(directory, "project");
  for (const path of [env.HOME, cwd]) mkdirSync(path);
  writeFileSync(join(cwd, ".gitlab-ci.yml"), pipeline);
  for (let file = 0; file < files; file++) {
    const folder = join(cwd, String(Math.floor(file / FILES_PER_FOLDER)));
    if (file % FILES_PER_FOLDER === 0) mkdirSync(folder);
    writeFileSync(join(folder, `${file}.txt`), `file ${file}\n`);
  }
  const identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"];
  for (
    const step of [["init", "--quiet"], ["add", "."], [...identity, "commit", "-q", "-m", "one"]]
  ) {
    await succeed(["git", ...step], { cwd, env });
  }
  const run = () => succeed([executable, "exec", "--concurrency", "8", ...args], { cwd, env });
  await run();
  for (let at = 0; at < runs; at++) {
    const started = performance.now();
    await run();
    yield [performance.now() - started];
  }
}

async function succeed(
  argv: readonly string[],
  options: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<void> {
  const child = Bun.spawn([...argv], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const [output, problem, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`"${argv.join(" ")}" ended with ${code}:\n${output}${problem}`);
}
