/** A job after one that took its own account the right to what it left. Root has every right. */

import { expect, test } from "bun:test";
import { chmodSync, existsSync, rmSync } from "node:fs";

import { expectFailure, expectSuccess, type FinishedJob, Lab } from "./lab.ts";

const isRoot = process.getuid?.() === 0;

/** Jobs run as `nobody`, one after another in the same place. */
async function open(): Promise<Lab> {
  const lab = await Lab.open({ globals: ["concurrent = 1"] });
  for (const name of ["", "home", "work", "builds", "cache"]) chmodSync(lab.path(name), 0o777);
  return lab.start(["--user", "nobody"]);
}

/** Another commit of `app` after `before` has run in its place. */
async function after(before: string): Promise<FinishedJob> {
  await using lab = await open();
  const { app, firstOfApp } = lab.repositories;
  const first = { path: app.path, sha: firstOfApp };
  expectSuccess(await lab.run({ repository: first, script: before }));
  return await lab.run({ repository: app, script: ["cat README.md", "git status --porcelain"] });
}

test.skipIf(!isRoot).concurrent.each([
  ["its .git read-only", "chmod -R a-w .git"],
  ["its .git closed", "chmod 000 .git"],
  [
    "its checkout read-only",
    "mkdir deep; touch deep/f; find . -path ./.git -prune -o -exec chmod a-w {} +",
  ],
  ["a closed directory", "mkdir -p a/b; touch a/b/c; chmod 000 a/b a"],
  ["a damaged index", "echo damaged > .git/index"],
])("a job that leaves %s does not fail the next (needs root)", async (_, before) => {
  const job = await after(before);
  expectSuccess(job);
  expect(job.plain).toContain("$ cat README.md\ntwo\n$ git status --porcelain\nCleaning up");
}, 30_000);

test("a commit that is not there is told once, with git's exit code", async () => {
  await using lab = await Lab.open();
  const { app } = lab.repositories;
  const repository = { path: app.path, sha: "f".repeat(40) };
  const job = await lab.start().run({ repository, script: "true" });
  expectFailure(job, "script_failure", 128);
  expect(job.plain.match(/fatal: /g)).toHaveLength(1);
});

test("a working directory that an earlier job removed stops no other", async () => {
  await using lab = await Lab.open();
  const work = lab.path("work");
  lab.start();
  expectSuccess(await lab.run({ script: `rm -rf ${work}`, afterScript: "echo after" }));
  expect(existsSync(work)).toBe(false);
  expectSuccess(await lab.run({ repository: lab.repositories.app, script: "cat README.md" }));
  rmSync(work, { recursive: true, force: true });
});
