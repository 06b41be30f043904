/** The gate cannot pass by accident. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkEnvironment, runCommand } from "../../scripts/gate/command.ts";
import { parseJunit } from "../../scripts/gate/junit.ts";
import {
  count,
  describeOutcome,
  listCases,
  type SuiteOutcome,
} from "../../scripts/gate/outcome.ts";
import { readReport, runTestSuite } from "../../scripts/gate/test_suite.ts";

const root = await mkdtemp(join(tmpdir(), "gate-test-"));
afterAll(() => rm(root, { recursive: true, force: true }));

describe("runTestSuite", () => {
  const imports = 'import { expect, test } from "bun:test";\n';
  const files: Record<string, string> = {
    "good_test.ts":
      'test("holds", () => {});\ntest.skip("needs sshd", () => {});\ntest.todo("later");\n',
    "bad_test.ts": 'test("1 < 2 & \\"q\\"", () => expect(1).toBe(2));\n',
    "broken_test.ts": 'throw new Error("at load");\n',
    "empty_test.ts": "",
    "exit_test.ts": 'test("ends the process", () => process.exit(0));\n',
    "killed_test.ts": 'test("dies", () => process.kill(process.pid, "SIGKILL"));\n',
  };

  async function run(...names: string[]): Promise<SuiteOutcome> {
    for (const name of names) await Bun.write(join(root, name), imports + files[name]);
    return await runTestSuite(root, {
      name: "sample",
      files: names,
      timeoutMs: 5000,
      filesAtOnce: 2,
    });
  }

  test("counts passed and skipped tests", async () => {
    const outcome = await run("good_test.ts");
    expect(["passed", "failed", "skipped"].map((kind) => count([outcome], kind as "passed")))
      .toEqual([1, 0, 2]);
    expect(listCases([outcome], "skipped")).toContain(
      "SKIPPED  sample: good_test.ts: needs sshd\n",
    );
  });

  test("names a failing test and keeps its message", async () => {
    const outcome = await run("good_test.ts", "bad_test.ts");
    expect(listCases([outcome], "failed")).toBe(
      'FAILED  sample: bad_test.ts: 1 < 2 & "q" (expect(received).toBe(expected))\n',
    );
    expect(outcome.output).toContain("Received: 1");
    expect(describeOutcome(outcome)).toMatch(
      /^sample +FAILED +\d+\.\d s {2}1 passed, 1 failed, 2 skipped$/,
    );
  });

  test.each(["broken_test.ts", "empty_test.ts", "exit_test.ts", "killed_test.ts"])(
    "%s is a failure beside good files",
    async (name) => {
      const outcome = await run("good_test.ts", name);
      expect(count([outcome], "passed")).toBe(1);
      expect(count([outcome], "failed")).toBe(1);
      expect(listCases([outcome], "failed")).toContain(name);
    },
  );

  test("a suite without test files is a failure", async () => {
    expect(describeOutcome(await run())).toMatch(/^sample +FAILED/);
  });
});

describe("readReport", () => {
  const passing = '<testcase name="a" classname="" file="a_test.ts" />';

  test("a bad exit code without a failing test is a failure", () => {
    expect(readReport(["a_test.ts"], passing, 0).map(({ kind }) => kind)).toEqual(["passed"]);
    expect(readReport(["a_test.ts"], passing, 1).map(({ kind }) => kind)).toEqual([
      "passed",
      "failed",
    ]);
  });

  test("no report is a failure of every file", () => {
    expect(readReport(["a_test.ts", "b_test.ts"], "", 0).map(({ kind }) => kind)).toEqual([
      "failed",
      "failed",
    ]);
  });
});

test("parseJunit reads names, groups and reasons", () => {
  expect(parseJunit(`
    <testcase name="ok" classname="outer &amp; &lt;x&gt;" time="0.5" file="a_test.ts" line="2" assertions="1" />
    <testcase name="later" classname="" file="a_test.ts"><skipped message="TODO" /></testcase>
    <testcase name="bad" classname="" file="b_test.ts"><failure message="one&#10;two">text</failure></testcase>
  `)).toEqual([
    { file: "a_test.ts", name: "a_test.ts: outer & <x> > ok", kind: "passed" },
    { file: "a_test.ts", name: "a_test.ts: later", kind: "skipped", detail: "TODO" },
    { file: "b_test.ts", name: "b_test.ts: bad", kind: "failed", detail: "one\ntwo" },
  ]);
});

test("runCommand keeps the order of both streams", async () => {
  const { exitCode, output } = await runCommand(
    ["sh", "-c", "echo 1; echo 2 >&2; echo 3; exit 4"],
    {
      cwd: root,
      env: checkEnvironment(process.env),
    },
  );
  expect([exitCode, output]).toEqual([4, "1\n2\n3\n"]);
});

test("checkEnvironment drops what a CI job or git hook says about itself", () => {
  const env = {
    PATH: "/bin",
    HOME: "/root",
    CI: "true",
    CI_JOB_TOKEN: "x",
    GIT_DIR: ".git",
    CONFIG_FILE: "/c",
  };
  expect(checkEnvironment(env)).toEqual({ PATH: "/bin", HOME: "/root", CI: "true" });
});
