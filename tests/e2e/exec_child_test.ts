/** Child pipelines of `exec`: started by jobs, with what they need of their parents. */

import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExecLab, ofType, outputOf } from "./exec_lab.ts";

const PARENT = `
stages: [make, child]
variables: {GLOBAL: from parent}
make:
  stage: make
  script: ['printf "made:\\n  script: [echo made, echo \\$X]\\n" > child.yml']
  artifacts: {paths: [child.yml]}
dynamic:
  stage: child
  variables: {X: "on $CI_COMMIT_REF_NAME"}
  trigger: {include: [{artifact: child.yml, job: make}], strategy: depend}
static:
  stage: child
  variables: {LATE: 'of $$CI_JOB_NAME', RAW: {value: 'of $CI_JOB_NAME', expand: false}}
  trigger: {include: sub/ci.yml, strategy: depend}
elsewhere:
  stage: child
  trigger: {project: group/other}
`;

test.concurrent("exec runs child pipelines, and a failing child fails the job that waits for it", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": PARENT,
    "sub/ci.yml": "job:\n  script:\n    - echo $GLOBAL $CI_PIPELINE_SOURCE\n" +
      "    - echo $LATE $RAW\n    - exit 4\n",
  });
  const { code, events } = await lab.events();
  expect(code).toBe(1);
  expect(outputOf(events, "made")).toEqual(["made", "on main"]);
  expect(outputOf(events, "job")).toEqual([
    "from parent parent_pipeline",
    "of job of $CI_JOB_NAME",
  ]);
  const finished = ofType(events, "job.finished");
  const of = (name: string) => finished.find(({ job }) => job === name);
  expect(of("dynamic")).toMatchObject({ status: "success", pipeline: [] });
  expect(of("made")).toMatchObject({ status: "success", pipeline: ["dynamic"] });
  expect(of("job")).toMatchObject({ status: "failed", exit_code: 4, pipeline: ["static"] });
  expect(of("static")).toMatchObject({ status: "failed" });
  expect(ofType(events, "job.skipped")).toMatchObject([
    { job: "elsewhere", reason: "unsupported", message: expect.stringContaining("group/other") },
  ]);
  expect(ofType(events, "pipeline.finished").map(({ pipeline, status }) => [pipeline, status]))
    .toContainEqual([["static"], "failed"]);
});

test.concurrent("exec runs child pipelines without a container engine, as far as their jobs need none", async () => {
  const child = "trigger: { include: child.yml, strategy: depend }";
  using lab = new ExecLab({
    ".gitlab-ci.yml": `child: { ${child} }\n`,
    "child.yml": "near: { script: [echo here] }\nboxed: { image: a, script: [echo there] }\n",
  });
  lab.env["DOCKER_HOST"] = "unix:///nowhere/docker.sock";
  const { code, events } = await lab.events();
  expect(code).toBe(1);
  expect(outputOf(events, "near")).toEqual(["here"]);
  expect(outputOf(events, "boxed")).toEqual([]);
  expect(events).toContainEqual(expect.objectContaining({
    job: "boxed",
    text: expect.stringContaining("no container engine answers: start Docker or Podman"),
  }));
});

test.concurrent("exec reads no file of this machine as a child pipeline of artifacts", async () => {
  const outside = join(tmpdir(), `outside-${crypto.randomUUID()}.yml`);
  writeFileSync(outside, "made:\n  script: [echo led outside]\n");
  using lab = new ExecLab({
    ".gitlab-ci.yml": `
stages: [make, child]
make:
  stage: make
  script: ['ln -s ${outside} child.yml']
  artifacts: {paths: [child.yml]}
child:
  stage: child
  trigger: {include: [{artifact: child.yml, job: make}], strategy: depend}
`,
  });
  const { code, events } = await lab.events();
  rmSync(outside);
  expect(code).toBe(1);
  expect(outputOf(events, "made")).toEqual([]);
  expect(JSON.stringify(events)).toContain("is no path of artifacts");
});

test.concurrent("exec ends as blocked where a manual job holds up others, also from a child", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "stages: [build, test, deploy]\nbuild: {stage: build, script: [echo]}\n" +
      "child: {stage: test, trigger: {include: child.yml, strategy: mirror}}\n" +
      "deploy: {stage: deploy, script: [echo]}\n",
    "child.yml": "gate: {script: [echo], rules: [{when: manual}]}\n" +
      "after: {stage: deploy, script: [echo]}\n",
  });
  const { code, events } = await lab.events();
  expect(code).toBe(0);
  expect(ofType(events, "job.finished")).toMatchObject([
    { job: "build", status: "success", blocked: false },
    { job: "child", status: "success", blocked: true, exit_code: null },
  ]);
  expect(ofType(events, "pipeline.finished")).toMatchObject([
    { pipeline: ["child"], status: "success", blocked: true, exit_code: 0 },
    { pipeline: [], status: "success", blocked: true, exit_code: 0 },
  ]);
  const { stdout } = await lab.run();
  expect(stdout).toContain('deploy | skipped: waits for "child", whose pipeline is blocked');
  expect(stdout).toContain("Pipeline blocked: 2 jobs in");

  const played = await lab.run("--manual", "gate", "--manual", "gaet");
  expect(played.stdout).toContain('warning: --manual: no pipeline of this run has a job "gaet"');
  expect(played.stdout).toContain("child > after | success");
  expect(played.stdout).toContain("Pipeline success: 5 jobs in");
});

test.concurrent("exec hands artifacts of a parent's jobs to a child pipeline that needs them", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": `
stages: [build, test]
build:
  stage: build
  script: [echo made > made, echo FROM=dotenv > build.env]
  artifacts: {paths: [made], reports: {dotenv: build.env}}
broken: {stage: build, script: ["false"], allow_failure: true, artifacts: {paths: [made]}}
child:
  stage: test
  variables: {PARENT_PIPELINE_ID: $CI_PIPELINE_ID}
  trigger: {include: child.yml, strategy: mirror}
`,
    "child.yml": `
use:
  script: [cat made, echo "$FROM"]
  needs: [{pipeline: $PARENT_PIPELINE_ID, job: build}]
missing:
  script: [echo]
  needs: [{pipeline: $PARENT_PIPELINE_ID, job: broken}]
  allow_failure: true
unknown:
  script: [ls made]
  needs: [{pipeline: "77", job: build}]
  allow_failure: true
`,
  });
  const { code, events } = await lab.events();
  expect(code).toBe(0);
  expect(outputOf(events, "use")).toEqual(["made", "dotenv"]);
  expect(ofType(events, "job.finished").find(({ job }) => job === "missing")).toMatchObject({
    status: "failed",
    failure_reason: "missing_dependency_failure",
  });
  expect(ofType(events, "warning").map(({ message }) => message)).toContain(
    'unknown needs "build" of pipeline 77, which is not to be had here: it starts without it',
  );
});
