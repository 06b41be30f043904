/** Caches saved and brought back, on this machine and through an object storage. */

import { expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { cacheArchiver } from "../../../core/helper/cache_archiver.ts";
import { cacheExtractor } from "../../../core/helper/cache_extractor.ts";
import { rawZip, scratch, writeTree } from "../archive/support.ts";
import { run } from "./support.ts";

const LOCAL_ONLY =
  "No URL provided, cache will not be uploaded to shared cache server. Cache will be stored only locally.";

interface StoredObject {
  readonly body: Uint8Array;
  readonly headers: Headers;
}

/** A storage that keeps objects by path; `failures` answers 500 that many times first. */
function objectStorage(failures = 0) {
  const objects = new Map<string, StoredObject>();
  const requests: string[] = [];
  let left = failures;
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      requests.push(`${request.method} ${pathname}`);
      if (left-- > 0) return new Response(null, { status: 500 });
      if (request.method === "PUT") {
        const body = new Uint8Array(await request.arrayBuffer());
        objects.set(pathname, { body, headers: request.headers });
        return new Response(null);
      }
      const object = objects.get(pathname);
      if (object === undefined) return new Response(null, { status: 404 });
      const modified = object.headers.get("last-modified") ?? "";
      return new Response(
        request.method === "HEAD" ? null : object.body as Uint8Array<ArrayBuffer>,
        {
          headers: { "Last-Modified": modified, "ETag": '"tag"' },
        },
      );
    },
  });
  return {
    objects,
    requests,
    url: `http://localhost:${server.port}/bucket/key`,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

test("a cache is saved here and brought back, with the lines of GitLab Runner", async () => {
  using temporary = scratch();
  const [cwd, other] = [temporary.directory("project"), temporary.directory("other")];
  writeTree(cwd, { "vendor/v": "2" });
  const file = join(temporary.path, "cache/group/app/deps/cache.zip");
  for (const format of ["zip", "tarzstd", "zipzstd"]) {
    writeTree(cwd, { "vendor/v": format });
    const env = { CACHE_COMPRESSION_FORMAT: format };
    utimesSync(join(cwd, "vendor/v"), new Date(), new Date(Date.now() + 60_000));
    const saved = await run(cacheArchiver, ["--file", file, "--path", "vendor/"], { cwd, env });
    expect(saved.log).toBe(
      `vendor/: found 2 matching artifact files and directories\n${LOCAL_ONLY}\n`,
    );
    expect(saved.code).toBe(0);
    expect(readdirSync(join(file, ".."))).toEqual(["cache.zip"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const restored = await run(cacheExtractor, ["--file", file], { cwd: other });
    expect(restored.log).toBe(
      "No URL provided, cache will not be downloaded from shared cache server. " +
        "Instead a local version of cache will be extracted.\n",
    );
    expect(restored.code).toBe(0);
    expect(readFileSync(join(other, "vendor/v"), "utf8")).toBe(format);
  }
});

test("cache-extractor tells that there is no archive", async () => {
  using temporary = scratch();
  const argv = ["--file", join(temporary.path, "none/cache.zip")];
  const { code, log } = await run(cacheExtractor, argv, { cwd: temporary.path });
  expect(code).toBe(1);
  expect(log).toEndWith("WARNING: Cache file does not exist\n");
});

test("cache-archiver does not write an archive that is newer than all files", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { "vendor/v": "2" });
  const file = join(temporary.path, "cache/cache.zip");
  const argv = ["--file", file, "--path", "vendor"];
  await run(cacheArchiver, argv, { cwd });
  const { ino } = statSync(file);
  const again = await run(cacheArchiver, argv, { cwd });
  expect(again.log).toContain("Primary cache does not exist remotely, uploading existing archive");
  expect(statSync(file).ino).toBe(ino);
  const soon = new Date(Date.now() + 60_000);
  utimesSync(join(cwd, "vendor/v"), soon, soon);
  await run(cacheArchiver, argv, { cwd });
  expect(statSync(file).ino).not.toBe(ino);
});

test("cache-archiver without files only warns", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  const file = join(temporary.path, "cache/cache.zip");
  const { code, log } = await run(cacheArchiver, ["--file", file, "--path", "no"], { cwd });
  expect(code).toBe(0);
  expect(log).toContain("WARNING: No files to cache.");
  expect(existsSync(file)).toBe(false);
});

test("cache-archiver saves beside another one, and nobody sees half an archive", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { "vendor/v": "x".repeat(3_000_000) });
  const file = join(temporary.path, "cache/cache.zip");
  const soon = new Date(Date.now() + 60_000);
  utimesSync(join(cwd, "vendor/v"), soon, soon);
  const argv = ["--file", file, "--path", "vendor", "--compression-level=fastest"];
  let done = false;
  const saving = Promise.all([1, 2, 3, 4].map(() => run(cacheArchiver, argv, { cwd })))
    .finally(() => done = true);
  const seen = new Set<number>();
  while (!done) {
    if (existsSync(file)) seen.add(statSync(file).size);
    await Bun.sleep(0);
  }
  expect((await saving).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(seen.size).toBeLessThanOrEqual(1);
  expect(readdirSync(join(file, ".."))).toEqual(["cache.zip"]);
});

test("cache-archiver uploads with headers and length; cache-extractor downloads", async () => {
  using temporary = scratch();
  const [cwd, other] = [temporary.directory("project"), temporary.directory("other")];
  writeTree(cwd, { "vendor/v": "2" });
  await using storage = objectStorage();
  const signed = `${storage.url}?X-Amz-Signature=secret`;
  const file = join(temporary.path, "a/cache.zip");
  const argv = ["--file", file, "--path", "vendor", "--url", signed];
  const headers = ["--header", "x-amz-meta-cachekey: deps", "--metadata", '{"CacheKey":"deps"}'];
  const saved = await run(cacheArchiver, [...argv, ...headers], { cwd });
  expect(saved.code).toBe(0);
  expect(saved.log).toContain(`Uploading cache.zip to ${storage.url}\n`);
  expect(saved.log).not.toContain("secret");
  const stored = storage.objects.get("/bucket/key")!;
  expect(stored.headers.get("content-length")).toBe(String(statSync(file).size));
  expect(stored.headers.get("transfer-encoding")).toBeNull();
  expect(stored.headers.get("x-amz-meta-cachekey")).toBe("deps");
  expect(JSON.parse(readFileSync(join(temporary.path, "a/metadata.json"), "utf8")))
    .toEqual({ cachekey: "deps" });

  const there = join(temporary.path, "b/cache.zip");
  const fetched = ["--file", there, "--url", signed];
  const restored = await run(cacheExtractor, fetched, { cwd: other });
  expect(restored.code).toBe(0);
  expect(restored.log).toContain(`Downloading cache from ${storage.url}`);
  expect(restored.log).toContain('ETag="tag"');
  expect(restored.log).not.toContain("secret");
  expect(readFileSync(join(other, "vendor/v"), "utf8")).toBe("2");
  expect(readFileSync(there).equals(readFileSync(file))).toBe(true);

  const again = await run(cacheExtractor, fetched, { cwd: other });
  expect(again.log).toContain("cache.zip is up to date");

  const check = ["--check-url", `${storage.url}?head`];
  const unchanged = await run(cacheArchiver, [...argv, ...check], { cwd });
  expect(unchanged.log).toContain("Archive is up to date!");
  expect(storage.requests.filter((each) => each.startsWith("PUT")).length).toBe(1);
});

test("cache transfers are repeated after a fault of the storage, not after a refusal", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { v: "2" });
  const file = join(temporary.path, "cache.zip");
  await using storage = objectStorage(2);
  const argv = ["--file", file, "--path", "v", "--url", storage.url, "--retry-time", "5ms"];
  const { code, log } = await run(cacheArchiver, argv, { cwd });
  expect(code).toBe(0);
  expect(log.match(/WARNING: Retrying\.\.\./g)?.length).toBe(2);

  await using empty = objectStorage();
  const missing = ["--file", join(temporary.path, "other.zip"), "--url", empty.url];
  const none = await run(cacheExtractor, missing, { cwd });
  expect(none).toMatchObject({ code: 1, log: "WARNING: file does not exist\n" });
  expect(empty.requests.length).toBe(1);

  await using down = objectStorage(99);
  const failed = await run(cacheExtractor, [
    "--file",
    join(temporary.path, "other.zip"),
    "--url",
    down.url,
    "--retry-time=5ms",
  ], { cwd });
  expect(failed.code).toBe(1);
  expect(failed.log).toContain("WARNING: received: 500 Internal Server Error");
  expect(down.requests.length).toBe(3);
});

test("cache-extractor takes the alternate URL when the first has nothing", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  await using storage = objectStorage();
  const body = rawZip([{ name: "old", data: "1" }]);
  storage.objects.set("/bucket/key", { body, headers: new Headers() });
  const urls = ["--url", `${storage.url}-new`, "--alternate-url", storage.url];
  const argv = ["--file", join(temporary.path, "c/cache.zip"), ...urls];
  expect((await run(cacheExtractor, argv, { cwd })).code).toBe(0);
  expect(readFileSync(join(cwd, "old"), "utf8")).toBe("1");
});

test("cache-archiver does not upload an archive above the limit", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { v: "2" });
  await using storage = objectStorage();
  const file = join(temporary.path, "cache.zip");
  const argv = ["--file", file, "--path", "v", "--url", storage.url];
  const limit = ["--max-uploaded-archive-size", "10"];
  const { code, log } = await run(cacheArchiver, [...argv, ...limit], { cwd });
  expect(code).toBe(0);
  expect(log).toContain(
    `Cache archive size (${statSync(file).size}) is too big (Limit is set to 10), ` +
      "cache will not be uploaded to shared cache server",
  );
  expect(storage.requests).toEqual([]);
});

test("cache-archiver takes over an archive of the earlier name", async () => {
  using temporary = scratch();
  const cwd = temporary.directory("project");
  writeTree(cwd, { v: "2" });
  const [alternate, file] = [join(temporary.path, "old/c.zip"), join(temporary.path, "new/c.zip")];
  mkdirSync(join(alternate, ".."));
  writeFileSync(alternate, "archive");
  const past = new Date(0);
  utimesSync(join(cwd, "v"), past, past);
  const argv = ["--file", file, "--alternate-file", alternate, "--path", "v"];
  await run(cacheArchiver, argv, { cwd });
  expect(readFileSync(file, "utf8")).toBe("archive");
  expect(existsSync(alternate)).toBe(false);
});
