/** `exec --job-url`: jobs that ran on the embedded coordinator, run again by the compiled executable. */

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeImage, missingForDocker, useEngine } from "../executors/docker/dockerd.ts";
import { type ExecLab, ofType, outputOf } from "./exec_lab.ts";
import { removeVolumes } from "./exec_volumes.ts";
import { BUILD, missing, openReplayLab } from "./replay_lab.ts";

test("exec --job-url runs a job of a server with its commit, variables and artifacts", async () => {
  await using replay = await openReplayLab();
  const { lab, exec, sha } = replay;
  const { people } = lab.coordinator;
  const build = await replay.run(BUILD);
  const job = await replay.run({ name: "test: [mac]", dependencies: [build.id] });
  exec.env["EXEC_GITLAB_TOKEN"] = people.addToken().token;
  people.variables.set("group", [
    { key: "GROUP", value: "group" },
    { key: "PLAIN", value: "of the group" },
  ]);
  people.variables.set("group/app", [
    { key: "PLAIN", value: "project" },
    { key: "PROTECTED", value: "for protected refs", protected: true },
    { key: "SECRET", value: null },
  ]);
  people.variables.set(7, [{ key: "GIVEN", value: "by hand" }]);

  const { code, events } = await exec.events("--job-url", replay.urlOf(job));
  expect(code).toBe(0);
  expect(outputOf(events, "test: [mac]")).toEqual([
    "built on the server",
    `mac job dotenv ${sha} 7 ${job.id}`,
    "[project] [group] [by hand] [] []",
    "two",
  ]);
  expect(missing(events)).toEqual([
    "variables of the instance: the token may not read them",
    "the variable SECRET: the server shows its value to nobody",
  ]);
  expect(ofType(events, "pipeline.started")).toMatchObject([{ sha, ref: "topic", jobs: 1 }]);

  people.protectedRefs.add("topic");
  const variables = ["--variable", "SECRET=mine", "--variable", "GIVEN=again"];
  const again = await exec.events("--job-url", replay.urlOf(job), ...variables);
  expect(outputOf(again.events, "test: [mac]")[2])
    .toBe("[project] [group] [again] [for protected refs] [mine]");
  expect(missing(again.events)).toEqual([
    "variables of the instance: the token may not read them",
  ]);
  expect(exec.git("status", "--porcelain")).toBe("");
});

test("exec --job-url keeps the token from jobs, logs, files and arguments", async () => {
  await using replay = await openReplayLab();
  const { lab, exec } = replay;
  const job = await replay.run({ name: "late" });
  const { token } = lab.coordinator.people.addToken();
  exec.env["EXEC_GITLAB_TOKEN"] = token;
  const calls = watchGit(exec);
  const { code, stdout, stderr } = await exec.run("--job-url", replay.urlOf(job));
  expect(readFileSync(calls, "utf8")).toContain("fetch");
  expect([code, stdout]).toEqual([0, expect.stringContaining("at once")]);
  expect(stdout + stderr).not.toContain(token);
  const kept = readdirSync(exec.dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .filter(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(token));
  expect(kept.map(({ name }) => name)).toEqual([]);
});

/** Has every call of git written down with its arguments and environment. */
function watchGit(exec: ExecLab): string {
  const bin = join(exec.dir, "bin");
  const calls = join(exec.dir, "calls");
  mkdirSync(bin);
  const git = join(bin, "git");
  writeFileSync(git, `#!/bin/sh\n{ echo "$@"; env; } >> ${calls}\nexec ${Bun.which("git")} "$@"\n`);
  chmodSync(git, 0o755);
  exec.env["PATH"] = `${bin}:${exec.env["PATH"]}`;
  return calls;
}

test("exec --job-url gives a job the variables of its environment", async () => {
  await using replay = await openReplayLab();
  const { lab, exec } = replay;
  const job = await replay.run({ name: "late" });
  const { people } = lab.coordinator;
  exec.env["EXEC_GITLAB_TOKEN"] = people.addToken().token;
  people.variables.set("group/app", [
    { key: "SCOPED", value: "by name", environment_scope: "production" },
    { key: "SCOPED", value: "everywhere" },
    { key: "SCOPED", value: "by pattern", environment_scope: "prod*" },
  ]);
  const { events } = await exec.events("--job-url", replay.urlOf(job));
  expect(outputOf(events, "late")).toEqual(["at once", "[by name]"]);
});

test("exec --job-url takes the commit from the repository at hand when it has it", async () => {
  await using replay = await openReplayLab();
  const { lab, exec, sha } = replay;
  const job = await replay.run({ name: "late" });
  // What git is not asked for, it cannot refuse.
  const { token } = lab.coordinator.people.addToken({ scopes: ["read_api"] });
  exec.env["EXEC_GITLAB_TOKEN"] = token;
  const refused = await exec.run("--job-url", replay.urlOf(job));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`Cannot fetch commit ${sha}`);
  expect(refused.stderr).toContain("read_repository");
  exec.git("fetch", "--quiet", join(lab.repositories.root, "group/app.git"), "topic");
  expect((await exec.run("--job-url", replay.urlOf(job))).code).toBe(0);
});

test("exec --job-url names artifacts and variables that it could not get", async () => {
  await using replay = await openReplayLab();
  const { lab, exec } = replay;
  const build = await replay.run(BUILD);
  const job = await replay.run({ name: "test: [linux]", dependencies: [build.id] });
  exec.env["EXEC_GITLAB_TOKEN"] = lab.coordinator.people.addToken({ role: "developer" }).token;
  lab.coordinator.erase(build);
  const { code, events } = await exec.events("--job-url", replay.urlOf(job));
  expect(code).toBe(1);
  expect(missing(events)).toEqual([
    "variables of the instance: the token may not read them",
    "variables of the group group: the token may not read them",
    "variables of the project: the token may not read them",
    "variables that the pipeline was started with: the token may not read them",
    `artifacts of build: erased on ${build.erasedAt}`,
  ]);
});

test("exec --job-url says why a job is not to be had", async () => {
  await using replay = await openReplayLab();
  const { lab, exec } = replay;
  const { people, url } = lab.coordinator;
  const job = await replay.run({ name: "late" });
  const ruled = await replay.run({ name: "ruled" });
  const gone = await replay.run({ name: "gone" });
  people.triggers.push({ id: 99, name: "downstream", project: "group/app" });
  const why = async (address: string, token: string | undefined) => {
    delete exec.env["EXEC_GITLAB_TOKEN"];
    if (token !== undefined) exec.env["EXEC_GITLAB_TOKEN"] = token;
    const { code, stderr } = await exec.run("--job-url", address);
    expect([address, code]).toEqual([address, 2]);
    return stderr;
  };
  const { token } = people.addToken();
  const narrow = people.addToken({ scopes: ["read_repository"] }).token;
  expect(await why(replay.urlOf(job), undefined)).toContain(
    `There is no job ${job.id} in group/app at ${url} that is public (404 Project Not Found): ` +
      "if it is not, set EXEC_GITLAB_TOKEN",
  );
  expect(await why(replay.urlOf(job), "glpat-wrong")).toContain("wrong, expired or revoked");
  expect(await why(replay.urlOf(job), narrow)).toContain("the scope read_api");
  expect(await why(`${url}/group/app/-/jobs/4711`, token)).toContain("There is no job 4711");
  expect(await why(`${url}/group/app/-/jobs/99`, token)).toContain(
    '"downstream", starts a pipeline and has no script',
  );
  expect(await why(replay.urlOf(ruled), token)).toContain('"ruled", ran on the server and is left');
  expect(await why(replay.urlOf(gone), token)).toContain('called "gone", and no job of');
  expect(await why(`${url}/group/app/-/pipelines/7`, token)).toContain("address of a job's page");
});

test("exec --job-url shows what it would run, and takes no other way to choose jobs", async () => {
  await using replay = await openReplayLab();
  const { lab, exec, sha } = replay;
  const build = await replay.run(BUILD);
  const job = await replay.run({ name: "test: [mac]", dependencies: [build.id] });
  exec.env["EXEC_GITLAB_TOKEN"] = lab.coordinator.people.addToken().token;
  const url = replay.urlOf(job);
  const dry = await exec.run("--job-url", url, "--dry-run");
  expect([dry.code, dry.stdout]).toEqual([
    0,
    expect.stringContaining(`group/app: web on topic at ${sha.slice(0, 8)}`),
  ]);
  expect(dry.stdout).toContain("test: [mac]: shell; at once; variables LEVEL, OS");
  const explained = await exec.run("--job-url", url, "--explain-vars", "test: [mac]");
  expect(explained.stdout).toContain(`CI_JOB_ID="${job.id}" (predefined)`);
  const downloads = lab.coordinator.requests(({ target }) =>
    /projects\/[^/]+\/jobs\/\d+\/artifacts/.test(target)
  );
  expect(downloads).toEqual([]);
  for (
    const [args, why] of [
      [["test"], "--job-url names the job"],
      [["--mr"], "--job-url and --mr exclude each other"],
      [["--watch"], "--job-url and --watch exclude each other"],
    ] as const
  ) {
    const { code, stderr } = await exec.run("--job-url", url, ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  }
});

test("exec --job-url tells rules what has changed since the push, also when it was a forced one", async () => {
  await using replay = await openReplayLab();
  const { lab, exec } = replay;
  const commit = (ref: string, file: string) =>
    lab.repositories.commit(`refs/heads/${ref}`, {
      [file]: "new\n",
      ".gitlab-ci.yml":
        "job: { script: ls, rules: [{ changes: [old.txt], when: never }, { when: always }] }\n",
    });
  // Neither is in the history of the other.
  const beforeSha = await commit("before", "more.txt");
  const sha = await commit("after", "other.txt");
  const repository = { path: "group/app", sha, ref: "after", beforeSha };
  const job = await replay.run({ name: "job", repository });
  exec.env["EXEC_GITLAB_TOKEN"] = lab.coordinator.people.addToken().token;
  const { code, events } = await exec.events("--job-url", replay.urlOf(job));
  expect([code, outputOf(events, "job")]).toEqual([0, ["README.md", "other.txt", "src"]]);
});

test("exec --job-url finds a GitLab at a path of its host, from outside of any repository", async () => {
  await using replay = await openReplayLab({ coordinator: { relativeRoot: "/git/lab" } });
  const { lab, exec } = replay;
  const job = await replay.run({ name: "late" });
  exec.env["EXEC_GITLAB_TOKEN"] = lab.coordinator.people.addToken().token;
  const { code, events } = await exec.events("--cwd", exec.dir, "--job-url", replay.urlOf(job));
  expect([code, outputOf(events, "late")[0]]).toEqual([0, "at once"]);
});

test("exec --job-url reads the CI file that the project's settings name", async () => {
  await using replay = await openReplayLab();
  const { lab, exec } = replay;
  const { people } = lab.coordinator;
  const sha = await lab.repositories.commit("refs/heads/elsewhere", {
    "ci/main.yml": "include: /ci/jobs.yml\n",
    "ci/jobs.yml": "late: { script: echo of another file }\n",
  });
  people.configPaths.set("group/app", "ci/main.yml");
  const repository = { path: "group/app", sha, ref: "elsewhere" };
  const job = await replay.run({ name: "late", repository });
  exec.env["EXEC_GITLAB_TOKEN"] = people.addToken().token;
  const { events } = await exec.events("--job-url", replay.urlOf(job));
  expect(outputOf(events, "late")).toEqual(["of another file"]);
});

test("exec gives a job the artifacts of other projects that it needs, and names those it cannot get", async () => {
  await using replay = await openReplayLab();
  const { lab, exec } = replay;
  await replay.run(BUILD);
  exec.git("remote", "set-url", "origin", `${lab.coordinator.url}/group/other.git`);
  exec.write({
    ".gitlab-ci.yml": `
use:
  needs:
    - { project: group/app, job: build, ref: topic, artifacts: true }
    - { project: group/app, job: gone, ref: topic, artifacts: true }
  script: [cat out/made.txt]
`,
  });
  exec.env["EXEC_GITLAB_TOKEN"] = lab.coordinator.people.addToken().token;
  const { code, events } = await exec.events();
  expect([code, outputOf(events, "use")]).toEqual([0, ["built on the server"]]);
  expect(ofType(events, "warning")).toMatchObject([{
    message: 'use needs "gone" of group/app, which is not to be had: 404 Not Found; ' +
      "it starts without it",
    keyword: "jobs:use:needs:project",
    job: "use",
  }]);
});

test("exec --job-url runs a job of a child pipeline, whose file an earlier job has made", async () => {
  await using replay = await openReplayLab();
  const { lab, exec } = replay;
  const { people } = lab.coordinator;
  const sha = await lab.repositories.commit("refs/heads/parents", {
    ".gitlab-ci.yml": `
generate: { script: 'true', artifacts: { paths: [child.yml] } }
start:
  needs: [generate]
  variables: { FROM: the parent }
  trigger: { include: [{ artifact: child.yml, job: generate }] }
`,
    "made.txt": `
inner: { script: 'echo inner $FROM $GIVEN $CI_PIPELINE_SOURCE $CI_PIPELINE_ID' }
more: { trigger: { include: grandchild.yml } }
`,
    "grandchild.yml":
      "deep: { script: 'echo deep $FROM, in $CI_PIPELINE_ID of $CI_UPSTREAM_PIPELINE_ID by " +
      "$CI_UPSTREAM_JOB_ID' }\n",
  });
  const repository = { path: "group/app", sha, ref: "parents" };
  await replay.run({
    name: "generate",
    repository,
    script: "cp made.txt child.yml",
    artifacts: [{
      name: "a",
      paths: ["child.yml"],
      artifact_type: "archive",
      artifact_format: "zip",
    }],
  });
  const inner = await replay.run({ name: "inner", repository, pipeline: 8 });
  const deep = await replay.run({ name: "deep", repository, pipeline: 9 });
  people.parents.set(8, { pipeline: 7, job: "start", jobId: 70 });
  people.parents.set(9, { pipeline: 8, job: "more", jobId: 80 });
  people.variables.set(8, [{ key: "GIVEN", value: "and more" }]);
  exec.env["EXEC_GITLAB_TOKEN"] = people.addToken().token;

  const first = await exec.events("--job-url", replay.urlOf(inner));
  expect(outputOf(first.events, "inner")).toEqual([
    "inner the parent and more parent_pipeline 8",
  ]);
  const second = await exec.events("--job-url", replay.urlOf(deep));
  expect(outputOf(second.events, "deep")).toEqual(["deep , in 9 of 8 by 80"]);

  people.parents.set(8, { pipeline: 7, job: "nobody", jobId: 70 });
  const { code, stderr } = await exec.run("--job-url", replay.urlOf(inner));
  expect([code, stderr]).toEqual([2, expect.stringContaining('"nobody", and no such trigger job')]);
});

const missingEngine = missingForDocker();

test.skipIf(missingEngine !== undefined)(
  "exec --job-url runs a job in its image, with sources and artifacts in its container",
  async () => {
    await using engine = await useEngine();
    const image = await makeImage("git.sh", engine.host);
    await using replay = await openReplayLab();
    const { lab, exec } = replay;
    exec.env["DOCKER_HOST"] = engine.host;
    const sha = await lab.repositories.commit("refs/heads/images", {
      ".gitlab-ci.yml": `
build: { stage: build, script: 'true', artifacts: { paths: [out] } }
packed: { image: "${image}", script: [cat README.md out/made.txt, pwd] }
`,
    });
    const repository = { path: "group/app", sha, ref: "images" };
    await replay.run({ ...BUILD, repository });
    const job = await replay.run({ name: "packed", repository });
    exec.env["EXEC_GITLAB_TOKEN"] = lab.coordinator.people.addToken().token;
    const { code, events } = await exec.events("--job-url", replay.urlOf(job));
    expect([code, outputOf(events, "packed")]).toEqual([
      0,
      ["two", "built on the server", "/builds/group/app"],
    ]);
    expect(ofType(events, "job.started")).toMatchObject([{ executor: "docker" }]);
    removeVolumes(exec);
  },
  60_000,
);
