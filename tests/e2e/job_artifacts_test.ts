/** Artifacts: what is uploaded when, as what, and how later jobs get it. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import {
  expectFailure,
  expectSuccess,
  type FinishedJob,
  Lab,
  output,
  zipFile,
  zipNames,
} from "./lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({ requestConcurrency: 6 })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

const ARCHIVE = { artifact_type: "archive", artifact_format: "zip" };

const empty = { GIT_STRATEGY: "empty" };

test.concurrent("archive has files, links and modes, by its expanded name, and without what is excluded", async () => {
  const job = await lab.run({
    name: "pack",
    variables: empty,
    script: [
      "mkdir -p out/sub; echo one > out/one.txt; echo two > out/sub/two; touch out/no.tmp out/sub/n.tmp",
      "chmod 755 out/one.txt; ln -s one.txt out/link; touch other .hidden; mkdir out/empty",
    ],
    artifacts: [{
      ...ARCHIVE,
      name: "pack-$CI_JOB_NAME",
      paths: ["out/"],
      exclude: ["out/**/*.tmp"],
      expire_in: "1 week",
    }],
  });
  expectSuccess(job);
  const [stored] = lab.coordinator.artifacts(job.job);
  expect(stored).toMatchObject({ filename: "pack-pack.zip", expireIn: "1 week", format: "zip" });
  const path = lab.artifact(job.job);
  expect(await zipNames(path))
    .toEqual(["out", "out/empty", "out/link", "out/one.txt", "out/sub", "out/sub/two"]);
  expect(await zipFile(path, "out/one.txt")).toBe("one\n");
  expect(await output(["unzip", "-Zs", path, "out/one.txt"])).toStartWith("-rwxr-xr-x");
  expect(job.plain).toContain("out/**/*.tmp: excluded 2 files");
});

test.concurrent("names and paths are expanded as a shell does it, in the environment of the helper", async () => {
  const job = await lab.run({
    name: "expand",
    variables: { ...empty, DIR: "out", DOLLARS: "$NOT_AGAIN", BUN_BE_BUN: "1" },
    script: [
      "mkdir out other; touch out/a.txt out/b.tmp other/c.txt '$(id)'",
      'echo "VERSION=1.2" >> "$GITLAB_ENV"; echo "STRAY=x" >> "$GITLAB_ENV"',
      'test "$HOME" = "${CI_PROJECT_DIR%%/builds/*}/home"',
    ],
    artifacts: [{
      ...ARCHIVE,
      name: "${CI_JOB_NAME:-none}-${VERSION}-${MISSING:-default}-${HOME##*/}-$BUN_BE_BUN",
      paths: ["${DIR}/", "${OTHER:-other}/*.txt", "$(id)"],
      exclude: ["$DIR/*.${SUFFIX-tmp}"],
    }],
    cache: [{ key: "expand", paths: ["${MISSING:-out}/a.txt"] }],
  });
  expectSuccess(job);
  const [stored] = lab.coordinator.artifacts(job.job);
  expect(stored?.filename).toBe("expand-1.2-default-home-.zip");
  expect(await zipNames(lab.artifact(job.job)))
    .toEqual(["$(id)", "other/c.txt", "out", "out/a.txt"]);
  expect(job.plain).toContain('WARNING: invalid path "$(id)": command substitution');
  expect(job.plain).toContain("out/a.txt: found 1 matching artifact files and directories");
});

test.concurrent("with CI_DEBUG_TRACE the log has what the coordinator answered to an upload", async () => {
  const description = {
    script: "echo made > made",
    artifacts: [{ name: "default", paths: ["made"] }],
  };
  const job = await lab.run({ ...description, variables: { CI_DEBUG_TRACE: "true" } });
  expectSuccess(job);
  expect(job.plain).toMatch(
    /^WARNING: received response +body=201 .*header\[Content-Type\]=\[text\/plain\]/m,
  );
  expect(job.text).not.toContain(job.job.token);
  expect((await lab.run(description)).plain).not.toContain("received response");
});

test.concurrent("reports go up beside the archive: gzip and raw, each with its type", async () => {
  const job = await lab.run({
    variables: empty,
    script: ["echo '<x/>' > junit.xml; echo A=1 > build.env; echo {} > raw.json"],
    artifacts: [
      { ...ARCHIVE, paths: ["junit.xml"] },
      { paths: ["junit.xml"], artifact_type: "junit", artifact_format: "gzip", when: "always" },
      { paths: ["build.env"], artifact_type: "dotenv", artifact_format: "gzip" },
      { paths: ["raw.json"], artifact_type: "metrics", artifact_format: "raw" },
      { paths: ["none/*"], artifact_type: "sast", artifact_format: "raw" },
    ],
  });
  expectSuccess(job);
  const kinds = lab.coordinator.artifacts(job.job).map(({ type, format }) => `${type} ${format}`);
  expect(kinds.sort()).toEqual(["archive zip", "dotenv gzip", "junit gzip", "metrics raw"]);
  const bytes = async (type: string) => await Bun.file(lab.artifact(job.job, type)).bytes();
  expect(gunzipSync(await bytes("junit")).toString()).toBe("<x/>\n");
  expect(new TextDecoder().decode(await bytes("metrics"))).toBe("{}\n");
  expect(job.plain).toContain("WARNING: none/*: no matching files");
  expect(job.plain).toContain("ERROR: No files to upload");
});

test.concurrent("when decides after which end artifacts go up", async () => {
  const job = (when: string | undefined, script: string) =>
    lab.run({
      variables: empty,
      script: ["echo x > f", script],
      artifacts: [{ ...ARCHIVE, paths: ["f"], ...(when === undefined ? {} : { when }) }],
    });
  const jobs = await Promise.all([
    job("on_success", "true"),
    job("on_success", "false"),
    job("on_failure", "true"),
    job("on_failure", "false"),
    job("always", "true"),
    job("always", "false"),
    job(undefined, "true"),
    job(undefined, "false"),
  ]);
  const uploaded = jobs.map((each) => lab.coordinator.artifacts(each.job).length);
  expect(uploaded).toEqual([1, 0, 0, 1, 1, 1, 1, 0]);
});

test.concurrent("untracked takes what git does not know", async () => {
  const job = await lab.run({
    repository: lab.repositories.app,
    variables: { GIT_STRATEGY: "clone" },
    script: ["echo n > new.txt; mkdir -p ignored; echo i > ignored/i; echo changed > README.md"],
    artifacts: [{ ...ARCHIVE, untracked: true, paths: null }],
  });
  expectSuccess(job);
  expect((await zipNames(lab.artifact(job.job))).filter((name) => name !== "ignored"))
    .toEqual(["ignored/i", "new.txt"]);
});

async function packed(name: string, script: string): Promise<FinishedJob> {
  const job = await lab.run({
    name,
    variables: empty,
    script: [script],
    artifacts: [{ ...ARCHIVE, paths: ["./*"] }],
  });
  expectSuccess(job);
  return job;
}

test.concurrent("archives of earlier jobs are laid out in order before the script", async () => {
  const [first, second] = await Promise.all([
    packed("first", "echo 1 > both; echo 1 > one; chmod 750 one; ln -s one link"),
    packed("second", "echo 2 > both"),
  ]);
  const job = await lab.run({
    variables: empty,
    dependencies: [first.job.id, second.job.id],
    script: ["cat both one", "stat -c %a one", "readlink link"],
  });
  expectSuccess(job);
  expect(job.plain).toContain("2\n1\n");
  expect(job.lines).toContain("750");
  expect(job.lines).toContain(`Downloading artifacts for first (${first.job.id})...`);
  expect(job.lines).toContain(`Downloading artifacts for second (${second.job.id})...`);
});

test.concurrent("a missing archive fails the job before its script", async () => {
  const job = await lab.run({
    variables: empty,
    payload: {
      dependencies: [{
        id: 999_999,
        token: "no-token",
        name: "gone",
        artifacts_file: { filename: "a.zip", size: 10 },
      }],
    },
    script: "echo never",
  });
  expect(job.state).toBe("failed");
  expect(job.lines).toContain("Downloading artifacts for gone (999999)...");
  expect(job.lines).not.toContain("never");
});

test.concurrent("an archive that names places outside stays inside", async () => {
  const source = await packed("evil", "echo x > f");
  const { path } = lab.coordinator.artifacts(source.job)[0] ?? { path: "" };
  const tree = lab.path("evil-tree");
  await output(["mkdir", "-p", `${tree}/a`]);
  writeFileSync(`${tree}/escape.txt`, "escaped");
  await output(["zip", "-q", "evil.zip", "../escape.txt"], { cwd: `${tree}/a` });
  await output(["cp", `${tree}/a/evil.zip`, path]);
  const job = await lab.run({
    variables: empty,
    dependencies: [source.job.id],
    script: "true",
  });
  expect(job.plain).toContain("escape.txt");
  const found = [...new Bun.Glob("builds/**/escape.txt").scanSync(lab.process.dir)];
  expect(found).toEqual([]);
});

test.concurrent("upload is tried again after 502; 413 is final and named", async () => {
  const path = "/artifacts$";
  const tried = lab.enqueue({ variables: empty, ...small("tried") });
  lab.coordinator.inject({
    match: { method: "POST", path, job: tried.id },
    action: { kind: "answer", status: 502 },
    times: 1,
  });
  const tooLarge = lab.enqueue({ variables: empty, ...small("large") });
  lab.coordinator.inject({
    match: { method: "POST", path, job: tooLarge.id },
    action: { kind: "answer", status: 413 },
    times: 99,
  });
  const [again, refused] = await Promise.all([lab.finished(tried), lab.finished(tooLarge)]);
  expectSuccess(again);
  expect(lab.coordinator.artifacts(tried).length).toBe(1);
  expectFailure(refused, "script_failure", 1);
  expect(refused.plain).toContain("413 Request Entity Too Large");
}, 20_000);

function small(name: string) {
  return { name, script: "echo x > f", artifacts: [{ ...ARCHIVE, paths: ["f"] }] };
}

test("runner shows the coordinator nothing that a correct runner does not do", () => {
  lab.expectNoFindings();
});
