/** Artifacts up and down through the helper commands, against a real HTTP server. */

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { artifactsDownloader } from "../../../core/helper/artifacts_downloader.ts";
import { artifactsUploader } from "../../../core/helper/artifacts_uploader.ts";
import { listTree, pack, rawZip, scratch, unpack, writeTree } from "../archive/support.ts";
import { artifactServer, run } from "./support.ts";

const ENV = { CI_JOB_TOKEN: "glcbt-64_51ef57743abcdef" };

test("artifacts-uploader sends a zip and prints the lines of GitLab Runner", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { "out/a": "content" });
  await using server = artifactServer([201]);
  const argv = ["--url", server.url, "--id", "1004", "--path", "out/", "--expire-in", "1 week"];
  const { code, log } = await run(artifactsUploader, argv, { cwd, env: ENV, color: true });
  expect(code).toBe(0);
  const lines = log.split("\n").filter((line) => line !== "");
  expect(lines[0]).toBe("out/: found 2 matching artifact files and directories\x1b[0;m");
  expect(lines[1]).toMatch(
    /^Uploading artifacts as "archive" to coordinator\.\.\. 201 Created\x1b\[0;m {2}correlation_id\x1b\[0;m=\S+ id\x1b\[0;m=1004 status\x1b\[0;m=201 token\x1b\[0;m=51ef57743$/,
  );
  const [upload] = server.received;
  expect(upload).toMatchObject({
    method: "POST",
    path: "/api/v4/jobs/1004/artifacts",
    token: ENV.CI_JOB_TOKEN,
    fileName: "artifacts.zip",
  });
  expect(Object.fromEntries(upload!.query)).toEqual({
    expire_in: "1 week",
    artifact_format: "zip",
    artifact_type: "archive",
  });
  const archive = join(temporary.path, "received.zip");
  writeFileSync(archive, upload!.content);
  const to = temporary.directory("to");
  expect(await unpack(archive, to)).toEqual([]);
  expect(listTree(to)).toEqual(["out", "out/a"]);
  expect(readFileSync(join(to, "out/a"), "utf8")).toBe("content");
});

test("artifacts-uploader without files says so and succeeds", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  await using server = artifactServer([201]);
  const argv = ["--url", server.url, "--id", "7", "--path", "missing.xml", "--path=nothing/*"];
  const { code, log } = await run(artifactsUploader, argv, { cwd, env: ENV });
  expect(code).toBe(0);
  expect(log).toBe(
    `WARNING: missing.xml: no matching files. Ensure that the artifact path is relative to the working directory (${cwd})
WARNING: nothing/*: no matching files. Ensure that the artifact path is relative to the working directory (${cwd})
ERROR: No files to upload
`,
  );
  expect(server.received).toEqual([]);
});

test("artifacts-uploader sends reports as gzip and single files raw", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { "junit.xml": "<xml/>" });
  await using server = artifactServer([201]);
  const flags = ["--url", server.url, "--id", "7", "--path", "junit.xml", "--artifact-type=junit"];
  const gzip = [...flags, "--artifact-format", "gzip", "--name", "sub/junit.xml"];
  expect((await run(artifactsUploader, gzip, { cwd, env: ENV })).code).toBe(0);
  const raw = [...flags, "--artifact-format", "raw", "--name", "junit.xml"];
  expect((await run(artifactsUploader, raw, { cwd, env: ENV })).code).toBe(0);
  expect(server.received.map(({ fileName }) => fileName)).toEqual(["junit.xml.gz", "junit.xml"]);
  expect(gunzipSync(server.received[0]!.content).toString()).toBe("<xml/>");
  expect(Buffer.from(server.received[1]!.content).toString()).toBe("<xml/>");
});

test("artifacts-uploader does not repeat what was refused for good", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { file: "1" });
  for (
    const [status, line, fatal] of [
      [403, "403 Forbidden", "permission denied"],
      [413, "413 Request Entity Too Large", "too large"],
    ] as const
  ) {
    await using server = artifactServer([status]);
    const argv = ["--url", server.url, "--id", "7", "--path", "file"];
    const { code, log } = await run(artifactsUploader, argv, { cwd, env: ENV });
    expect(code).toBe(1);
    expect(log).toContain(`ERROR: Uploading artifacts as "archive" to coordinator... ${line}`);
    expect(log).toContain(`FATAL: ${fatal}`);
    expect(server.received.length).toBe(1);
  }
});

test("artifacts-uploader packs again for the next round", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { file: "1" });
  await using server = artifactServer([400, 201]);
  const argv = ["--url", server.url, "--id", "7", "--path", "file"];
  const { code, log } = await run(artifactsUploader, argv, { cwd, env: ENV });
  expect(code).toBe(0);
  expect(log).toContain("400 Bad Request");
  expect(log).toContain("said so");
  expect(log).toContain("WARNING: Retrying...");
  expect(server.received.length).toBe(2);
  expect(server.received[1]!.content.length).toBe(server.received[0]!.content.length);
}, 10_000);

test("artifacts-uploader warns of paths outside and of .git", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { ".git/config": "1" });
  await using server = artifactServer([201]);
  const argv = ["--url", server.url, "--id", "7", "--path", "../x", "--path", ".git"];
  const { log } = await run(artifactsUploader, argv, { cwd, env: ENV });
  expect(log).toContain(
    "WARNING: artifact path is not a subpath of project directory: ../x",
  );
  expect(log).toContain("WARNING: Part of .git directory is on the list of files to archive");
});

test("artifacts-uploader adds a provenance statement and takes it away again", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { file: "1" });
  writeFileSync(join(temporary.path, "victim"), "untouched");
  symlinkSync("../victim", join(cwd, "artifacts-metadata.json"));
  await using server = artifactServer([201]);
  const argv = ["--url", server.url, "--id", "7", "--path", "file"];
  const extra = ["--generate-artifacts-metadata", "--metadata-parameter", "CI", "--runner-id=5"];
  const { code } = await run(artifactsUploader, [...argv, ...extra], { cwd, env: ENV });
  expect(code).toBe(0);
  const archive = join(temporary.path, "received.zip");
  writeFileSync(archive, server.received[0]!.content);
  const to = temporary.directory("to");
  await unpack(archive, to);
  const statement = JSON.parse(readFileSync(join(to, "artifacts-metadata.json"), "utf8"));
  expect(statement._type).toBe("https://in-toto.io/Statement/v1");
  expect(statement.predicateType).toBe("https://slsa.dev/provenance/v1");
  expect(statement.subject).toEqual([{
    name: "file",
    digest: { sha256: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b" },
  }]);
  expect(statement.predicate.buildDefinition.externalParameters.variables).toEqual({ CI: "" });
  expect(readdirSync(cwd)).toEqual(["file"]);
  expect(readFileSync(join(temporary.path, "victim"), "utf8")).toBe("untouched");
});

test("artifacts-downloader extracts into the project and leaves no temporary file", async () => {
  using temporary = scratch();
  const [from, cwd] = [temporary.directory("from"), temporary.directory("project")];
  const staging = temporary.directory("staging");
  writeTree(from, { "out/a": "content" });
  for (const format of ["zip", "tarzstd"] as const) {
    const archive = join(temporary.path, `archive-${format}`);
    await pack(from, archive, { format });
    await using server = artifactServer([200], readFileSync(archive));
    const env = { ...ENV, ARCHIVER_STAGING_DIR: staging };
    const argv = ["--url", server.url, "--id", "1004"];
    const { code, log } = await run(artifactsDownloader, argv, { cwd, env });
    expect(code).toBe(0);
    expect(log).toMatch(
      /^Downloading artifacts from coordinator\.\.\. ok +correlation_id=\S+ id=1004 status=200 token=51ef57743\n$/,
    );
    expect(readFileSync(join(cwd, "out/a"), "utf8")).toBe("content");
    expect(readdirSync(staging)).toEqual([]);
    expect(server.received[0]).toMatchObject({ method: "GET", token: ENV.CI_JOB_TOKEN });
  }
});

test("artifacts-downloader warns of refused entries and extracts the rest", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  const zip = rawZip([{ name: "../evil", data: "x" }, { name: "good", data: "1" }]);
  await using server = artifactServer([200], zip);
  const argv = ["--url", server.url, "--id", "7"];
  const { code, log } = await run(artifactsDownloader, argv, { cwd, env: ENV });
  expect(code).toBe(0);
  expect(log).toContain("WARNING: ../evil: Path leads outside the destination");
  expect(listTree(cwd)).toEqual(["good"]);
  expect(existsSync(join(temporary.path, "evil"))).toBe(false);
});

test("artifacts-downloader tells final refusals apart and does not repeat them", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  for (
    const [status, line, fatal] of [
      [401, "unauthorized", "permission denied"],
      [403, "forbidden", "permission denied"],
      [404, "not found", "file does not exist"],
    ] as const
  ) {
    await using server = artifactServer([status]);
    const argv = ["--url", server.url, "--id", "7"];
    const { code, log } = await run(artifactsDownloader, argv, { cwd, env: ENV });
    expect(code).toBe(1);
    expect(log).toContain(`ERROR: Downloading artifacts from coordinator... ${line}`);
    expect(log).toContain(`FATAL: ${fatal}`);
    expect(server.received.length).toBe(1);
  }
});

test("artifacts-downloader tries again and refuses what is no archive", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  await using server = artifactServer([400, 200], Buffer.from("not a zip archive at all"));
  const argv = ["--url", server.url, "--id", "7", "--retry-time", "10ms"];
  const { code, log } = await run(artifactsDownloader, argv, { cwd, env: ENV });
  expect(code).toBe(1);
  expect(log).toContain("WARNING: Retrying...");
  expect(log).toContain("FATAL: Not a zip archive, or one that is cut off");
  expect(server.received.length).toBe(2);
});

test("artifact commands want to know whose artifacts they are", async () => {
  using temporary = scratch();
  const cwd = temporary.path;
  const without = await run(artifactsUploader, ["--url", "http://x/", "--id", "1"], { cwd });
  expect(without).toMatchObject({ code: 1, log: "FATAL: Missing runner credentials\n" });
  const noJob = await run(artifactsDownloader, ["--url", "http://x/"], { cwd, env: ENV });
  expect(noJob).toMatchObject({ code: 1, log: "FATAL: Missing build ID\n" });
});

test("artifacts-downloader fetches several jobs at the same time and extracts in their order", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  const archives = new Map([1, 2].map((id) => [id, rawZip([{ name: "same", data: `of ${id}` }])]));
  const secondCame = Promise.withResolvers<void>();
  await using server = Bun.serve({
    port: 0,
    async fetch(request) {
      const id = Number(/jobs\/(\d+)\//.exec(request.url)?.[1]);
      if (id === 2) secondCame.resolve();
      else await secondCame.promise;
      return new Response(archives.get(id) ?? null);
    },
  });
  const argv = ["--url", String(server.url), "--id", "1", "--id", "2"];
  const { code } = await run(artifactsDownloader, argv, { cwd, env: ENV });
  expect(code).toBe(0);
  expect(readFileSync(join(cwd, "same"), "utf8")).toBe("of 2");
});

test("artifacts-downloader stops the other downloads when one is refused", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  await using server = Bun.serve({
    port: 0,
    fetch: (request) =>
      request.url.includes("/jobs/1/")
        ? new Response("{}", { status: 403 })
        : new Promise<Response>(() => {}),
  });
  const argv = ["--url", String(server.url), "--id", "1", "--id", "2"];
  const { code, log } = await run(artifactsDownloader, argv, { cwd, env: ENV });
  expect(code).toBe(1);
  expect(log).toContain("permission denied");
  await server.stop(true);
});

test("artifacts-downloader tells of a later download's failure when its turn comes", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  const staging = temporary.directory("staging");
  const failed = Promise.withResolvers<void>();
  await using server = Bun.serve({
    port: 0,
    async fetch(request) {
      if (request.url.includes("/jobs/1/")) {
        await failed.promise;
        return new Response(rawZip([{ name: "file", data: "1" }]));
      }
      // The disk takes nothing more.
      for (const name of readdirSync(staging)) rmSync(join(staging, name), { recursive: true });
      setTimeout(failed.resolve, 100);
      return new Response("archive");
    },
  });
  const unheard: unknown[] = [];
  const listen = (reason: unknown) => void unheard.push(reason);
  process.on("unhandledRejection", listen);
  try {
    const argv = ["--url", String(server.url), "--id", "1", "--id", "2"];
    const env = { ...ENV, ARCHIVER_STAGING_DIR: staging };
    const { code, log } = await run(artifactsDownloader, argv, { cwd, env });
    expect(code).toBe(1);
    expect(log).toContain("ENOENT");
    expect(unheard).toEqual([]);
  } finally {
    process.off("unhandledRejection", listen);
  }
});

test("artifacts-downloader leaves no directory behind for a job's number that is none", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  const staging = temporary.directory("staging");
  const argv = ["--url", "http://127.0.0.1:1", "--id", "seven"];
  const env = { ...ENV, ARCHIVER_STAGING_DIR: staging };
  const { code, log } = await run(artifactsDownloader, argv, { cwd, env });
  expect(code).toBe(1);
  expect(log).toContain('--id: expected the number of a job, got "seven"');
  expect(readdirSync(staging)).toEqual([]);
});
