/** The commands that job scripts call, called directly. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { EmbeddedCoordinator, type EmbeddedJob } from "../../core/embedded/mod.ts";
import { output, zipNames } from "./lab.ts";
import { RunnerProcess } from "./runner_process.ts";

let coordinator: EmbeddedCoordinator;
let runner: RunnerProcess;
beforeAll(async () => {
  coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
  runner = new RunnerProcess();
  runner.configure([{
    url: coordinator.url,
    token: coordinator.addRunner({ requestConcurrency: 4 }).token,
    lines: ["request_concurrency = 4"],
  }]);
  runner.start();
});
afterAll(async () => {
  await runner[Symbol.asyncDispose]();
  await coordinator.stop();
});

let lastDirectory = 0;
function newDirectory(): string {
  const path = `${runner.dir}/helper-${++lastDirectory}`;
  mkdirSync(path);
  return path;
}

/** A job that is running, whose token therefore is good, while `work` goes on. */
async function whileRunning(work: (job: EmbeddedJob) => Promise<void>): Promise<void> {
  const gate = `${newDirectory()}/gate`;
  const job = coordinator.enqueue({ script: `until [ -e ${gate} ]; do sleep 0.05; done` });
  await job.accepted;
  try {
    await work(job);
  } finally {
    writeFileSync(gate, "");
    await job.finished;
  }
}

const credentials = (job: EmbeddedJob) => ({
  CI_JOB_ID: String(job.id),
  CI_JOB_TOKEN: job.token,
  CI_SERVER_URL: coordinator.url,
});

test.concurrent("artifacts-uploader sends what it is told, with credentials of the environment", () =>
  whileRunning(async (job) => {
    const cwd = newDirectory();
    writeFileSync(`${cwd}/a.txt`, "a");
    writeFileSync(`${cwd}/b.xml`, "<b/>");
    const env = credentials(job);
    const args = [
      "artifacts-uploader",
      "--path",
      "*.txt",
      "--name",
      "mine",
      "--expire-in",
      "1 day",
    ];
    const archive = await runner.command(args, { cwd, env });
    expect(archive.code).toBe(0);
    expect(archive.stderr).toContain(
      'Uploading artifacts as "archive" to coordinator... 201 Created',
    );
    expect(archive.stderr + archive.stdout).not.toContain(job.token);
    const report = await runner.command([
      "artifacts-uploader",
      ...["--path", "b.xml", "--artifact-type", "junit", "--artifact-format", "gzip"],
    ], { cwd, env });
    expect(report.code).toBe(0);
    const [zip, gzip] = coordinator.artifacts(job);
    expect(zip).toMatchObject({ type: "archive", filename: "mine.zip", expireIn: "1 day" });
    expect(await zipNames(zip?.path ?? "")).toEqual(["a.txt"]);
    expect(gunzipSync(readFileSync(gzip?.path ?? "")).toString()).toBe("<b/>");
  }));

test.concurrent("artifacts-uploader without files says so and exits with 0", () =>
  whileRunning(async (job) => {
    const { code, stderr } = await runner.command(["artifacts-uploader", "--path", "none"], {
      cwd: newDirectory(),
      env: credentials(job),
    });
    expect(code).toBe(0);
    expect(stderr).toContain("ERROR: No files to upload");
  }));

test.concurrent("artifacts-downloader unpacks into the current directory", () =>
  whileRunning(async (job) => {
    const [from, to] = [newDirectory(), newDirectory()];
    const env = credentials(job);
    mkdirSync(`${from}/d`);
    writeFileSync(`${from}/d/f`, "content");
    await runner.command(["artifacts-uploader", "--path", "d"], { cwd: from, env });
    const { code, stderr } = await runner.command(["artifacts-downloader"], { cwd: to, env });
    expect(code).toBe(0);
    expect(stderr).toContain("Downloading artifacts from coordinator... ok");
    expect(readFileSync(`${to}/d/f`, "utf8")).toBe("content");
  }));

test.concurrent(
  "artifacts-downloader of what is not there fails with the status",
  () =>
    whileRunning(async (job) => {
      const { code, stderr } = await runner.command(["artifacts-downloader", "--id", "424242"], {
        cwd: newDirectory(),
        env: credentials(job),
      });
      expect(code).toBe(1);
      expect(stderr).toMatch(/404|not found/i);
    }),
  20_000,
);

test.concurrent("cache-archiver and cache-extractor keep a directory in a file", async () => {
  const [from, to] = [newDirectory(), newDirectory()];
  mkdirSync(`${from}/vendor`);
  writeFileSync(`${from}/vendor/lib`, "lib", { mode: 0o755 });
  for (const format of ["zip", "tarzstd", "zipzstd"]) {
    const file = `${newDirectory()}/deep/cache.zip`;
    const saved = await runner.command(["cache-archiver", "--file", file, "--path", "vendor"], {
      cwd: from,
      env: { CACHE_COMPRESSION_FORMAT: format },
    });
    expect(saved.code).toBe(0);
    expect(existsSync(file)).toBe(true);
    const restored = await runner.command(["cache-extractor", "--file", file], { cwd: to });
    expect(restored.code).toBe(0);
    expect(readFileSync(`${to}/vendor/lib`, "utf8")).toBe("lib");
    expect(statSync(`${to}/vendor/lib`).mode & 0o777).toBe(0o755);
  }
});

test.concurrent("cache-archiver leaves an archive that is up to date", async () => {
  const cwd = newDirectory();
  writeFileSync(`${cwd}/f`, "f");
  const file = `${newDirectory()}/cache.zip`;
  const args = ["cache-archiver", "--file", file, "--path", "f"];
  await runner.command(args, { cwd });
  const before = statSync(file);
  const again = await runner.command(args, { cwd });
  expect(again.code).toBe(0);
  // Whether it is up to date remotely as well nobody can tell without a cache server.
  expect(again.stderr).toContain(
    "Primary cache does not exist remotely, uploading existing archive",
  );
  expect(statSync(file)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
});

test.concurrent("cache-extractor without an archive fails and says so", async () => {
  const cwd = newDirectory();
  const args = ["cache-extractor", "--file", `${cwd}/none/cache.zip`];
  const { code, stderr } = await runner.command(args, { cwd });
  expect(code).toBe(1);
  expect(stderr).toContain("Cache file does not exist");
});

test.concurrent("a pipe in the place of a cache is not waited for, and makes room for the next one", async () => {
  const cwd = newDirectory();
  const file = `${cwd}/cache.zip`;
  await output(["mkfifo", file]);
  const extract = ["cache-extractor", "--file", file];
  const refused = await runner.command(extract, { cwd });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("Cache file is not a regular file");
  writeFileSync(`${cwd}/kept`, "kept");
  const saved = await runner.command(["cache-archiver", "--file", file, "--path", "kept"], { cwd });
  expect(saved.code).toBe(0);
  rmSync(`${cwd}/kept`);
  expect((await runner.command(extract, { cwd })).code).toBe(0);
  expect(readFileSync(`${cwd}/kept`, "utf8")).toBe("kept");
});

test.concurrent("cache-init opens directories to every user", async () => {
  const path = newDirectory();
  const { code } = await runner.command(["cache-init", path]);
  expect(code).toBe(0);
  expect(statSync(path).mode & 0o777).toBe(0o777);
});

test.concurrent("health-check waits for a port and says what it dials", async () => {
  using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { code, stdout, stderr } = await runner.command(["health-check"], {
    env: {
      DB_PORT_1_TCP_ADDR: "127.0.0.1",
      DB_PORT_1_TCP_PORT: String(server.port),
      CI_SERVER_URL: "",
    },
  });
  expect(code).toBe(0);
  expect(stdout + stderr).toContain(`dialing 127.0.0.1:${server.port}...`);
});

test.concurrent("read-logs exits with 100 when its file never comes", async () => {
  const path = `${newDirectory()}/log`;
  const missing = await runner.command([
    "read-logs",
    "--path",
    path,
    "--wait-file-timeout",
    "100ms",
  ]);
  expect(missing.code).toBe(100);
});
