/** Runs a folder's test files with `bun test` and counts what they found. */

import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../core/errors.ts";
import { checkEnvironment, runCommand } from "./command.ts";
import { parseJunit } from "./junit.ts";
import { type Case, failedSuite, type SuiteOutcome } from "./outcome.ts";

export interface TestSuite {
  readonly name: string;
  /** Test files, relative to `root`. */
  readonly files: readonly string[];
  /** How long one test may take. */
  readonly timeoutMs: number;
  /** How many files run at once, each in a process of its own. */
  readonly filesAtOnce: number;
}

/**
 * Suites that take long, or need the compiled executable or a service, and so are not part of the
 * quick gate: the beginnings of their files' paths below `tests/`.
 */
const SLOW_SUITES: Readonly<Record<string, readonly string[]>> = {
  e2e: ["e2e/"],
  faults: ["faults/"],
  compat: ["compat/"],
  fuzz: ["fuzz/"],
  docker: ["executors/docker/", "conformance/docker_"],
};

const QUICK_TIMEOUT_MS = 10_000;
const SLOW_TIMEOUT_MS = 120_000;

/** As many as there are processors on the smallest machine that the gate is made for. */
const FILES_AT_ONCE = 2;
/** These wait for others more than they work. */
const FILES_AT_ONCE_E2E = 3;

export async function quickSuites(root: string): Promise<TestSuite[]> {
  const slow = Object.values(SLOW_SUITES).flat();
  return [{
    name: "unit",
    files: await testFiles(root, (path) => !slow.some((start) => path.startsWith(start))),
    timeoutMs: QUICK_TIMEOUT_MS,
    filesAtOnce: FILES_AT_ONCE,
  }];
}

export async function slowSuites(root: string): Promise<TestSuite[]> {
  return await Promise.all(
    Object.entries(SLOW_SUITES).map(async ([name, starts]) => ({
      name,
      files: await testFiles(root, (path) => starts.some((start) => path.startsWith(start))),
      timeoutMs: SLOW_TIMEOUT_MS,
      filesAtOnce: name === "e2e" ? FILES_AT_ONCE_E2E : FILES_AT_ONCE,
    })),
  );
}

/** Test files whose path below `tests/` is `wanted`, relative to `root`. */
async function testFiles(root: string, wanted: (path: string) => boolean): Promise<string[]> {
  const found = await Array.fromAsync(
    new Bun.Glob("**/*_test.ts").scan({ cwd: join(root, "tests") }),
  );
  return found.map((path) => path.replaceAll("\\", "/")).filter(wanted).map((path) =>
    `tests/${path}`
  )
    .sort();
}

/**
 * Each file in a process of its own, so that none sees what another left. A file that crashes or holds
 * no test is a failure.
 */
export async function runTestSuite(root: string, suite: TestSuite): Promise<SuiteOutcome> {
  const { name, files } = suite;
  if (files.length === 0) return failedSuite(name, "there are no test files");
  const scratch = await mkdtemp(join(tmpdir(), "gate-"));
  const temporary = join(scratch, "tmp");
  try {
    // What a test leaves goes with its suite. Tests run programs as other users.
    await mkdir(temporary);
    await Promise.all([chmod(scratch, 0o755), chmod(temporary, 0o1777)]);
    const report = join(scratch, "junit.xml");
    const result = await runCommand([
      process.execPath,
      "test",
      `--parallel=${suite.filesAtOnce}`,
      "--only-failures",
      `--timeout=${suite.timeoutMs}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...files.map((file) => `./${file}`),
    ], { cwd: root, env: { ...checkEnvironment(process.env), TMPDIR: temporary } });
    const file = Bun.file(report);
    const cases = readReport(files, await file.exists() ? await file.text() : "", result.exitCode);
    return { suite: name, cases, seconds: result.seconds, output: result.output };
  } finally {
    await rm(scratch, { recursive: true, force: true }).catch((error) =>
      process.stderr.write(`${name} left what cannot be removed: ${messageOf(error)}\n`)
    );
  }
}

/** The report's cases, and a failure for each file that is not in it. */
export function readReport(files: readonly string[], xml: string, exitCode: number): Case[] {
  const reported = parseJunit(xml);
  const silent = files.filter((file) => !reported.some((one) => one.file === file));
  const cases: Case[] = [
    ...reported,
    ...silent.map((file): Case => ({
      name: file,
      kind: "failed",
      detail: "no test of this file was reported",
    })),
  ];
  if (exitCode !== 0 && !cases.some(({ kind }) => kind === "failed")) {
    cases.push({ name: "bun test", kind: "failed", detail: `exit code ${exitCode}` });
  }
  return cases;
}
