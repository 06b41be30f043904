/** Ctrl-C at whatever point: nothing stays, and nothing of the user's has changed. */

import type { Subprocess } from "bun";
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
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

const PARENT = `
stages: [work, down]
host: {stage: work, script: [echo, sleep 1000], after_script: [echo after]}
make: {stage: work, script: ['cp template.yml made.yml'], artifacts: {paths: [made.yml]}}
child: {stage: work, trigger: {include: template.yml, strategy: depend}}
dynamic:
  stage: work
  needs: [make]
  trigger: {include: [{artifact: made.yml, job: make}], strategy: mirror}
`;

const CHILD = `
near: {script: [echo, sleep 1000], after_script: [echo after]}
deep: {trigger: {include: deep.yml, strategy: depend}}
`;

/** What has just happened when it is interrupted: an event's type, and of which job and pipeline. */
const MOMENTS: readonly (readonly [string, Partial<Record<string, unknown>>])[] = [
  ["pipeline.started", { pipeline: [] }],
  ["job.started", { job: "make" }],
  ["job.section", { job: "host", name: "get_sources" }],
  ["job.command", { job: "host" }],
  ["artifact", { job: "make" }],
  ["job.started", { job: "dynamic" }],
  ["pipeline.started", { pipeline: ["child"] }],
  ["job.command", { job: "near", pipeline: ["dynamic"] }],
  ["pipeline.started", { pipeline: ["child", "deep"] }],
  ["job.command", { job: "bottom", pipeline: ["dynamic", "deep"] }],
];

test.concurrent("exec with child pipelines leaves nothing at ten moments", async () => {
  await interruptChildren("bottom: {script: [echo, sleep 1000]}\n");
}, 120_000);

test.skipIf(missing !== undefined)(
  `exec with containers of child pipelines leaves nothing at ten moments${
    missing === undefined ? "" : `: ${missing}`
  }`,
  async () => {
    await using engine = await useEngine();
    const image = await makeImage("git.sh", engine.host);
    const deep =
      `bottom: {image: "${image}", services: [{name: "${image}", command: [sleep, "9"]}],` +
      " script: [echo, sleep 1000]}\n";
    await interruptChildren(deep, engine.host);
  },
  180_000,
);

async function interruptAll(pipeline: string, engine?: string): Promise<void> {
  using lab = openLab({ ".gitlab-ci.yml": pipeline }, engine);
  const before = contentOf(lab);
  for (const point of POINTS) {
    const child = lab.start([]);
    await Bun.sleep(point);
    child.kill("SIGINT");
    const { stdout, stderr } = await programEnd(child);
    await expectNothing(lab, child, `after ${point} ms\n${stdout}${stderr}`);
    expect(contentOf(lab)).toEqual(before);
  }
  if (engine !== undefined) removeVolumes(lab);
}

/** A moment that has not come by then never will, and the run has no end of its own. */
const MOMENT_LIMIT_MS = 30_000;

async function interruptChildren(deep: string, engine?: string): Promise<void> {
  const files = { ".gitlab-ci.yml": PARENT, "template.yml": CHILD, "deep.yml": deep };
  using lab = openLab(files, engine);
  const before = contentOf(lab);
  for (const [type, about] of MOMENTS) {
    const child = lab.start(["--json", "--concurrency", "8"]);
    const moment = `${type} ${JSON.stringify(about)}`;
    let seen = false;
    let text = "";
    const late = setTimeout(() => child.kill("SIGINT"), MOMENT_LIMIT_MS);
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (seen || !text.split("\n").some((line) => isMoment(line, type, about))) continue;
      seen = true;
      child.kill("SIGINT");
    }
    clearTimeout(late);
    expect(seen, `${moment}\n${text}`).toBe(true);
    await expectNothing(lab, child, `${moment}\n${text}${await child.stderr.text()}`);
    expect(contentOf(lab)).toEqual(before);
  }
  if (engine !== undefined) removeVolumes(lab);
}

function isMoment(line: string, type: string, about: Partial<Record<string, unknown>>): boolean {
  if (!line.endsWith("}")) return false;
  const event: Record<string, unknown> = JSON.parse(line);
  return event["type"] === type &&
    Object.entries(about).every(([key, value]) => Bun.deepEquals(event[key], value));
}

function openLab(files: Readonly<Record<string, string>>, engine: string | undefined): ExecLab {
  const lab = new ExecLab(files);
  if (engine !== undefined) lab.env["DOCKER_HOST"] = engine;
  lab.write({ "new.txt": "n\n" });
  return lab;
}

/** The digest of the place is part of every name: other runs of this machine are not meant. */
async function expectNothing(lab: ExecLab, child: Subprocess, when: string): Promise<void> {
  const code = await child.exited;
  // Before the program listens, the signal ends it as it ends any other.
  expect(child.signalCode === "SIGINT" ? 130 : code, when).toBe(130);
  expect(lab.processes(), when).toEqual([]);
  if (lab.env["DOCKER_HOST"] !== undefined) expect(containersOf(lab), when).toEqual([]);
  expect(recordsOf(lab), when).toEqual([]);
  // Temporary files would be beside them.
  expect(readdirSync(lab.dir).sort(), when).toEqual(["home", "repository"]);
}

function contentOf(lab: ExecLab): unknown {
  return { status: lab.git("status", "--short"), refs: lab.git("for-each-ref") };
}

/** And networks. */
function containersOf(lab: ExecLab): string[] {
  const digest = digestOf(lab);
  const lists = [["ps", "-a", "--format", "{{.Names}}"], [
    "network",
    "ls",
    "--format",
    "{{.Name}}",
  ]];
  return lists.flatMap((args) =>
    Bun.spawnSync(["docker", ...args], { env: lab.env }).stdout.toString().split("\n")
  ).filter((name) => digest !== "" && name.includes(digest));
}

/** What the engine would have to tidy up at its next start. */
function recordsOf(lab: ExecLab): string[] {
  const home = lab.env["HOME"] ?? "";
  return Array.from(
    new Bun.Glob(".local/state/**/jobs/*/job.json").scanSync({ cwd: home, dot: true }),
  );
}
