/** What `exec` refuses, and how it says so. */

import { expect, test } from "bun:test";
import { ExecLab } from "./exec_lab.ts";

test.concurrent("exec ends with 2 and the place for a file that GitLab would refuse", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": "job:\n  script: [ls]\n  scirpt: [ls]\n" });
  const plain = await lab.run();
  expect(plain.code).toBe(2);
  expect(plain.stderr).toContain(".gitlab-ci.yml:3:3:");
  expect(plain.stdout).toBe("");
  const { code, events } = await lab.events();
  expect(code).toBe(2);
  expect(events[0]).toMatchObject({ type: "error", code: "invalid_yaml", line: 3 });
  const unknown = await lab.events("nope");
  expect(unknown.code).toBe(2);
});

test.concurrent("exec ends with 2 for a job that is not there", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": 'job:\n  script: ["true"]\n' });
  const { code, events } = await lab.events("nope");
  expect(code).toBe(2);
  expect(events).toMatchObject([{ type: "error", code: "invalid_invocation" }]);
});

test.concurrent("exec tells an unknown flag as it was asked to tell things", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": 'job:\n  script: ["true"]\n' });
  const { code, stderr } = await lab.run("--nope");
  expect([code, stderr]).toEqual([2, "runner: unknown option '--nope'\n"]);
  const { events } = await lab.events("--nope");
  expect(events).toMatchObject([
    { type: "error", code: "invalid_invocation", message: "unknown option '--nope'" },
  ]);
});

test.concurrent("exec says where to look when GitLab would make no pipeline", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": 'before: {stage: .pre, script: ["true"]}\n',
  });
  const words = "Pipeline will not run for the selected trigger. " +
    "The rules configuration prevented any jobs from being added to the pipeline.";
  const { code, stderr } = await lab.run();
  expect([code, stderr]).toEqual([2, expect.stringContaining(`${words} --list says why`)]);
  const { events } = await lab.events();
  expect(events).toMatchObject([{ type: "error", code: "nothing_to_run", message: words }]);
  expect((await lab.run("--list")).stdout).toContain(words);
});
