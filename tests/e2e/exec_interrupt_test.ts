/** Ctrl-C at whatever point: nothing stays, and nothing of the user's has changed. */

import { expect, test } from "bun:test";
import { makeImage, missingForDocker, useEngine } from "../executors/docker/dockerd.ts";
import { programEnd } from "../fixtures/program_end.ts";
import { ExecLab } from "./exec_lab.ts";
import { digestOf, removeVolumes } from "./exec_volumes.ts";

const missing = missingForDocker();

const PIPELINE = `
stages: [work, later]
host:
  stage: work
  cache: {key: k, paths: [vendor]}
  script:
    - mkdir -p vendor && echo x > vendor/v
    - sleep 1000
  after_script: [echo after]
  artifacts: {paths: [vendor], when: always}
later: {stage: later, script: [ls]}
`;

const containerJob = (image: string) => `
box:
  stage: work
  image: ${image}
  script: [sleep 1000]
`;

/** Milliseconds after the start: from before the first job to well into the script. */
const POINTS = [80, 120, 160, 220, 300, 400, 550, 750, 1000, 1600];

test.concurrent(
  "exec on this host leaves nothing at ten points",
  () => interruptAll(PIPELINE),
  120_000,
);

test.skipIf(missing !== undefined)(
  `exec with containers leaves nothing at ten points${missing === undefined ? "" : `: ${missing}`}`,
  async () => {
    await using engine = await useEngine();
    const job = containerJob(await makeImage("git.sh", engine.host));
    await interruptAll(PIPELINE + job, engine.host);
  },
  180_000,
);

async function interruptAll(pipeline: string, engine?: string): Promise<void> {
  using lab = new ExecLab({ ".gitlab-ci.yml": pipeline });
  if (engine !== undefined) lab.env["DOCKER_HOST"] = engine;
  lab.write({ "new.txt": "n\n" });
  const before = contentOf(lab);
  // The digest of the place is part of every name: other runs of this machine are not meant.
  for (const point of POINTS) {
    const child = lab.start([]);
    await Bun.sleep(point);
    child.kill("SIGINT");
    const { code, stdout, stderr } = await programEnd(child);
    // Before the program listens, the signal ends it as it ends any other.
    const end = child.signalCode === "SIGINT" ? 130 : code;
    expect(end, `after ${point} ms\n${stdout}${stderr}`).toBe(130);
    expect(lab.processes()).toEqual([]);
    if (engine !== undefined) expect(containersOf(lab)).toEqual([]);
    expect(contentOf(lab)).toEqual(before);
    expect(recordsOf(lab)).toEqual([]);
  }
  if (engine !== undefined) removeVolumes(lab);
}

function contentOf(lab: ExecLab): unknown {
  return { status: lab.git("status", "--short"), refs: lab.git("for-each-ref") };
}

function containersOf(lab: ExecLab): string[] {
  const args = ["ps", "-a", "--format", "{{.Names}}"];
  const { stdout } = Bun.spawnSync(["docker", ...args], { env: lab.env });
  const digest = digestOf(lab);
  return stdout.toString().split("\n").filter((name) => digest !== "" && name.includes(digest));
}

/** What the engine would have to tidy up at its next start. */
function recordsOf(lab: ExecLab): string[] {
  const home = lab.env["HOME"] ?? "";
  return Array.from(
    new Bun.Glob(".local/state/**/jobs/*/job.json").scanSync({ cwd: home, dot: true }),
  );
}
