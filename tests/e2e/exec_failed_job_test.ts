/** What `exec` leaves of a job that failed, for people to look at. */

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ExecLab, ofType } from "./exec_lab.ts";

const PIPELINE = `
stages: [one, two]
breaks:
  stage: one
  allow_failure: true
  script: [test -f $FILE, mkdir -m 500 locked, echo made > made.txt, exit 3]
slow: {stage: one, timeout: 1s, allow_failure: true, script: [touch slow.txt, sleep 100]}
works: {stage: two, script: [test ! -e made.txt, touch works.txt]}
`;

test.concurrent("exec --keep leaves the build directories of failed jobs until the next run", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": PIPELINE,
    ".runner-exec.toml": 'variables = { FILE = { value = "x", file = true } }\n',
  });
  const { code, events } = await lab.events("--keep", "--concurrency", "1");
  expect(code).toBe(0);
  const kept = new Map(ofType(events, "job.kept").map(({ job, path }) => [job, path]));
  expect([...kept.keys()].sort()).toEqual(["breaks", "slow"]);
  const path = kept.get("breaks") ?? "";
  expect(readFileSync(join(path, "made.txt"), "utf8")).toBe("made\n");
  expect(existsSync(join(kept.get("slow") ?? "", "slow.txt"))).toBe(true);
  // File variables may be secrets.
  expect([...new Bun.Glob("**/FILE").scanSync({ cwd: lab.dir, dot: true })]).toEqual([]);

  const again = await lab.run("breaks", "--keep");
  expect(again.stdout).toContain(`Kept of breaks: ${path}\n`);
  expect(existsSync(kept.get("slow") ?? "")).toBe(false);
  await lab.run("breaks");
  expect(existsSync(dirname(path))).toBe(false);
});

test.concurrent("exec --keep says that it keeps no containers", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "one: {image: none, script: [ls]}\ntwo: {script: [exit 1]}\n",
  });
  lab.env["DOCKER_HOST"] = "unix:///nowhere.sock";
  const { events } = await lab.events("--keep");
  expect(ofType(events, "warning").map(({ message }) => message)).toEqual([
    "--keep leaves build directories of jobs on this host; containers are not kept (one)",
  ]);
});
