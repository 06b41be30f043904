/** Ctrl-C at whatever point: nothing stays, and nothing of the user's has changed. */

import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ExecLab } from "./exec_lab.ts";

const SOCKET = "/var/run/docker.sock";
const IMAGE = "harness-job:latest";

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

const CONTAINER = `
box:
  stage: work
  image: ${IMAGE}
  script: [sleep 1000]
`;

/** Milliseconds after the start: from before the first job to well into the script. */
const POINTS = [80, 120, 160, 220, 300, 400, 550, 750, 1000, 1600];

test.concurrent(
  "exec on this host leaves nothing at ten points",
  () => interruptAll(PIPELINE),
  120_000,
);

test.skipIf(!existsSync(SOCKET))(
  "exec with containers leaves nothing at ten points",
  () => interruptAll(PIPELINE + CONTAINER),
  180_000,
);

async function interruptAll(pipeline: string): Promise<void> {
  using lab = new ExecLab({ ".gitlab-ci.yml": pipeline });
  lab.write({ "new.txt": "n\n" });
  const before = contentOf(lab);
  // The digest of the place is part of every name: other runs of this machine are not meant.
  for (const point of POINTS) {
    const child = lab.start([]);
    await Bun.sleep(point);
    child.kill("SIGINT");
    const code = await child.exited;
    // Before the program listens, the signal ends it as it ends any other.
    expect([130, 128 + 2, null]).toContain(child.signalCode === null ? code : null);
    expect(lab.processes()).toEqual([]);
    expect(containersOf(lab)).toEqual([]);
    expect(contentOf(lab)).toEqual(before);
    expect(recordsOf(lab)).toEqual([]);
  }
  removeVolumes(lab);
}

/** Caches and checkouts stay for the next run on purpose; here there is none. */
function removeVolumes(lab: ExecLab): void {
  if (!existsSync(SOCKET)) return;
  const { stdout } = Bun.spawnSync(["docker", "volume", "ls", "-q"]);
  const names = stdout.toString().split("\n").filter((name) => name !== "");
  const digest = digestOf(lab);
  if (digest === "" || names.length === 0) return;
  const inspected = Bun.spawnSync(["docker", "volume", "inspect", ...names]).stdout.toString();
  const volumes: readonly { readonly Name: string }[] = JSON.parse(inspected);
  const own = volumes.filter((volume) => JSON.stringify(volume).includes(digest));
  if (own.length > 0) Bun.spawnSync(["docker", "volume", "rm", ...own.map(({ Name }) => Name)]);
}

/** Part of the names of everything that the lab's runs make. */
function digestOf(lab: ExecLab): string {
  const places = join(lab.env["HOME"] ?? "", ".local/state/gitlab-runner/exec");
  return existsSync(places) ? readdirSync(places)[0]?.split("-").at(-1)?.slice(0, 9) ?? "" : "";
}

function contentOf(lab: ExecLab): unknown {
  return { status: lab.git("status", "--short"), refs: lab.git("for-each-ref") };
}

function containersOf(lab: ExecLab): string[] {
  if (!existsSync(SOCKET)) return [];
  const { stdout } = Bun.spawnSync(["docker", "ps", "-a", "--format", "{{.Names}}"]);
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
