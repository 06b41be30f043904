/** Runs of `exec` that go on from earlier ones. */

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { ExecLab, ofType, outputOf } from "./exec_lab.ts";

test.concurrent("exec runs again what failed, with what the others made, and unpacks it on demand", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml":
      "stages: [build, test]\nbuild:\n  stage: build\n  script: [echo made > made.txt, " +
      "'echo V=7 > v.env']\n  artifacts: {paths: [made.txt], reports: {dotenv: v.env}}\n" +
      "flaky:\n  script: [cat made.txt, 'echo v $V', test -e fixed]\n",
  });
  expect((await lab.events()).code).toBe(1);
  lab.write({ fixed: "" });
  const again = await lab.events("--rerun-failed");
  expect(again.code).toBe(0);
  expect(ofType(again.events, "job.started").map(({ job }) => job)).toEqual(["flaky"]);
  expect(outputOf(again.events, "flaky")).toEqual(["made", "v 7"]);
  expect(existsSync(`${lab.repository}/made.txt`)).toBe(false);
  expect((await lab.run("--rerun-failed")).code).toBe(2);
  expect((await lab.run("build", "--artifacts-to-source")).code).toBe(0);
  expect(readFileSync(`${lab.repository}/made.txt`, "utf8")).toBe("made\n");
});

test.concurrent("exec --rerun-failed goes on with the jobs that a failure has kept from running", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "stages: [build, test, deploy]\nflaky:\n  stage: build\n" +
      "  script: [test -e fixed]\nfine:\n  stage: build\n  script: [echo fine]\n" +
      "after:\n  needs: [flaky]\n  script: [echo after]\nlast:\n  stage: deploy\n  script: [echo last]\n" +
      "ask:\n  stage: deploy\n  when: manual\n  script: [echo asked]\n" +
      "tell:\n  stage: deploy\n  when: on_failure\n  script: [echo told]\n",
  });
  const started = async (...args: readonly string[]) =>
    ofType((await lab.events(...args)).events, "job.started").map(({ job }) => job);
  expect((await started()).toSorted()).toEqual(["fine", "flaky", "tell"]);
  expect(await started("--rerun-failed")).toEqual(["flaky"]);
  lab.write({ fixed: "" });
  expect(await started("--rerun-failed")).toEqual(["flaky", "after", "last"]);
  expect((await lab.run("--rerun-failed")).code).toBe(2);
});

test.concurrent("exec takes nothing of its own state into the sources, wherever that is", async () => {
  using lab = new ExecLab({ ".gitlab-ci.yml": "job:\n  script: [git ls-files]\n" });
  for (const _run of [1, 2]) {
    const { code, events } = await lab.events("--state-dir", "state");
    expect(code).toBe(0);
    expect(outputOf(events, "job")).toEqual([".gitlab-ci.yml"]);
  }
});

test.concurrent("exec --watch runs again when a file has changed, and ends when interrupted", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "job:\n  script: [cat input.txt]\n",
    "input.txt": "first\n",
  });
  const child = lab.start(["--watch", "--json"]);
  let text = "";
  let runs = 0;
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    const finished = text.split('"type":"pipeline.finished"').length - 1;
    if (finished === runs) continue;
    runs = finished;
    if (runs === 1) lab.write({ "input.txt": "second\n" });
    else child.kill("SIGINT");
  }
  expect(await child.exited).toBe(130);
  expect(text).toContain('"text":"first"');
  expect(text).toContain('"text":"second"');
});

test.concurrent("exec --watch waits for changes of others, and not of its own state", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "job:\n  script: [cat input.txt]\n",
    "input.txt": "1\n",
  });
  const child = lab.start(["--watch", "--state-dir", "state"]);
  const waits = "Waiting for a change";
  let text = "";
  for await (const chunk of child.stderr) {
    text += new TextDecoder().decode(chunk);
    if (!text.includes(waits)) continue;
    // A change that it made itself would be noticed within this time.
    await Bun.sleep(600);
    child.kill("SIGINT");
    break;
  }
  for await (const chunk of child.stderr) text += new TextDecoder().decode(chunk);
  expect(await child.exited).toBe(130);
  expect(text.split(waits)).toHaveLength(2);
});
