/** `exec` on a terminal: the live view, its keys, and the way out of it. */

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ExecLab } from "./exec_lab.ts";
import { TerminalLab } from "./terminal_lab.ts";

const PIPELINE = `
"🚀 eins": { script: ["until test -e $GO; do sleep 0.1; done"] }
zwei: { needs: ["🚀 eins"], script: [echo second] }
hand: { script: [x], when: manual }
`;

test.concurrent("exec shows jobs live, the log of one by key, and everything at the end", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": PIPELINE });
  const go = join(lab.dir, "go");
  await using terminal = new TerminalLab(lab, "--no-color", "--variable", `GO=${go}`);
  await terminal.until("2 jobs: 0 done, 1 running, 1 waiting");
  await terminal.until("$ until test");
  terminal.type("\r");
  await terminal.until("--- 🚀 eins\r\n");
  await terminal.until("🚀 eins: enter: back, ctrl-c: stop");
  terminal.type("\r");
  writeFileSync(go, "");
  expect(await terminal.exited).toBe(0);
  const summary = terminal.text.slice(terminal.text.lastIndexOf("✔ 🚀 eins"));
  expect(summary).toContain("✔ zwei (test)");
  expect(summary).toContain('· hand (test) skipped: is manual: run it with --manual "hand"');
  expect(summary).toContain("Pipeline success: 2 jobs in");
});

test.concurrent("exec on a terminal ends at Ctrl-C, which is a key there", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": PIPELINE });
  await using terminal = new TerminalLab(lab, "--no-color", "--variable", "GO=/nowhere");
  await terminal.until("$ until test");
  terminal.type("\x03");
  expect(await terminal.exited).toBe(130);
  expect(terminal.text).toContain("Pipeline canceled: 1 job in");
  expect(lab.processes()).toEqual([]);
});
