/** What `exec` leaves of a job that failed, for people to look at. */

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ExecLab, ofType } from "./exec_lab.ts";
import { TerminalLab } from "./terminal_lab.ts";

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

const BREAKS = `
breaks:
  variables: {GREETING: hello}
  script: [export LATER=1, echo made > made.txt, test -f $FILE, "false"]
  after_script: [echo afterwards]
other: {script: [echo "other ran"]}
`;

test.concurrent("exec --shell-on-failure opens a shell in the failed job, and goes on after it", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": BREAKS,
    ".runner-exec.toml": 'variables = { FILE = { value = "content", file = true } }\n',
  });
  await using terminal = new TerminalLab(lab, "--shell-on-failure", "--no-color");
  await terminal.until("(breaks) ");
  const before = terminal.text;
  expect(before).toContain("breaks failed: exit status 1\r\n$ false\r\nThis shell has");
  expect(before).toContain("afterwards");
  expect(before).not.toContain("other ran");
  expect(before).not.toContain("\x1b[3");
  terminal.type("echo got-$GREETING $(cat made.txt) $(cat $FILE)\n");
  await terminal.until("got-hello made content");
  // Ctrl-C is the shell's, and a command that fails does not end it.
  terminal.type("sh -c 'echo at-$((1 + 1)); exec sleep 1000'\n");
  await terminal.until("at-2");
  const prompts = () => terminal.text.split("(breaks) ").length;
  const count = prompts();
  terminal.type("\x03");
  await terminal.until(() => prompts() > count);
  terminal.type("false; echo still-$((1 + 1)); sleep 1000 & exit 7\n");
  await terminal.until("still-2");
  await terminal.until("other ran");
  expect(await terminal.exited).toBe(1);
  expect(terminal.text).toContain("\r\n  $ test -f $FILE\r\n  $ false\r\n  ERROR: Job failed");
  expect([...new Bun.Glob("**/FILE").scanSync({ cwd: lab.dir, dot: true })]).toEqual([]);
  expect(lab.processes()).toEqual([]);
});

test.concurrent("exec --shell-on-failure is interrupted like anything else", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": BREAKS, ".runner-exec.toml": "" });
  await using terminal = new TerminalLab(lab, "--shell-on-failure");
  await terminal.until("(breaks) ");
  terminal.kill();
  expect(await terminal.exited).toBe(130);
  expect(lab.processes()).toEqual([]);
});

test.concurrent("exec --shell-on-failure is refused where nobody could use it", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": "one: {image: none, script: [ls]}\n" });
  const { code, stderr } = await lab.run("--shell-on-failure");
  expect([code, stderr]).toEqual([
    2,
    "runner: --shell-on-failure needs a terminal as standard input and output: there is none\n",
  ]);
});
