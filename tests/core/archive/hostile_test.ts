/** Archives that mean harm: nothing outside the destination changes, the rest is extracted. */

import { describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { deflateRawSync, zstdCompressSync } from "node:zlib";
import { safeParts } from "../../../core/archive/safe_path.ts";
import { listTree, pack, rawZip, type RawZipEntry, scratch, unpack, writeTree } from "./support.ts";

const LINK = 0o120777;
const DIRECTORY = 0o040755;

/** Extracts beside a directory `outside` that has to stay as it is. */
async function attack(
  entries: readonly RawZipEntry[],
  plant: (to: string, outside: string) => void = () => {},
): Promise<{ problems: string[]; tree: string[]; to: string; [Symbol.dispose](): void }> {
  const temporary = scratch();
  const to = temporary.directory("to");
  const outside = temporary.directory("outside");
  writeFileSync(join(outside, "victim"), "untouched");
  plant(to, outside);
  const archive = join(temporary.path, "archive.zip");
  writeFileSync(archive, rawZip(entries));
  const problems = await unpack(archive, to);
  expect(listTree(outside)).toEqual(["victim"]);
  expect(readFileSync(join(outside, "victim"), "utf8")).toBe("untouched");
  expect(listTree(temporary.path).filter((path) => !path.startsWith("to/")).sort())
    .toEqual(["archive.zip", "outside", "outside/victim", "to"]);
  return { problems, tree: listTree(to), to, [Symbol.dispose]: () => temporary[Symbol.dispose]() };
}

const GOOD: RawZipEntry = { name: "good", data: "good" };

describe("refused entries", () => {
  const cases: [what: string, entries: RawZipEntry[]][] = [
    ["a path that climbs", [{ name: "../outside/victim", data: "x" }]],
    ["a path that climbs from within", [{ name: "a/../../outside/victim", data: "x" }]],
    ["an absolute path", [{ name: "/tmp/archive-test-absolute", data: "x" }]],
    ["a name with NUL", [{ name: "a\0b", data: "x" }]],
    ["an empty name", [{ name: "", data: "x" }]],
    ["the destination itself as a file", [{ name: "./.", data: "x" }]],
    ["a directory that climbs", [{ name: "../outside/new/", mode: DIRECTORY }]],
    ["a link that climbs", [{ name: "../outside/link", data: "x", mode: LINK }]],
    ["a link with an empty target", [{ name: "link", data: "", mode: LINK }]],
    ["a device", [{ name: "device", data: "", mode: 0o020666 }]],
    ["a pipe", [{ name: "pipe", data: "", mode: 0o010666 }]],
    ["a wrong checksum", [{ name: "bad", data: "x", crc: 1 }]],
    ["a content longer than declared", [{ name: "bad", data: "long", rawSize: 1 }]],
    ["a content shorter than declared", [{ name: "bad", data: "long", rawSize: 9 }]],
    ["a method nobody knows", [{ name: "bad", data: "x", method: 42 }]],
    ["damaged deflate data", [{ name: "bad", data: "\xff\xff\xff", method: 8 }]],
    ["a name that is too long", [{ name: "n".repeat(300), data: "x" }]],
  ];
  for (const [what, entries] of cases) {
    test(`extractArchive refuses ${what} and extracts the rest`, async () => {
      using result = await attack([...entries, GOOD]);
      expect(result.problems.length).toBe(entries.length);
      expect(result.tree).toEqual(["good"]);
      expect(existsSync("/tmp/archive-test-absolute")).toBe(false);
    });
  }
});

test("extractArchive keeps a link to outside, as a virtual environment needs, and never uses it", async () => {
  using result = await attack([
    { name: "python", data: "/usr/bin/python3", mode: LINK },
    { name: "dir", data: "../outside", mode: LINK },
    { name: "dir/victim", data: "changed" },
  ]);
  expect(readlinkSync(join(result.to, "python"))).toBe("/usr/bin/python3");
  expect(lstatSync(join(result.to, "dir")).isDirectory()).toBe(true);
});

test("extractArchive does not write through a link to outside of an earlier archive", async () => {
  using result = await attack(
    [{ name: "dir/victim", data: "changed" }],
    (to, outside) => symlinkSync(outside, join(to, "dir")),
  );
  expect(lstatSync(join(result.to, "dir")).isSymbolicLink()).toBe(false);
});

test("extractArchive creates links last, so no entry passes through one", async () => {
  using result = await attack([
    { name: "inside/", mode: DIRECTORY },
    { name: "link", data: "inside", mode: LINK },
    { name: "link/file", data: "through the link" },
    GOOD,
  ]);
  expect(result.tree).toEqual(["good", "inside", "link", "link/file"]);
  expect(lstatSync(join(result.to, "link")).isDirectory()).toBe(true);
  expect(result.problems).toEqual(["link: A directory is in the way"]);
});

test("extractArchive does not create a link through another link of the archive", async () => {
  using result = await attack([
    { name: "a", data: "b", mode: LINK },
    { name: "a/c", data: "d", mode: LINK },
  ]);
  expect(readlinkSync(join(result.to, "a"))).toBe("b");
  expect(result.problems).toEqual([
    "a/c: The archive has a file where this needs a directory",
  ]);
});

test("extractArchive replaces a planted link in the way of a file", async () => {
  using result = await attack(
    [{ name: "file", data: "new" }],
    (to, outside) => symlinkSync(join(outside, "victim"), join(to, "file")),
  );
  expect(result.problems).toEqual([]);
  expect(lstatSync(join(result.to, "file")).isFile()).toBe(true);
});

test("extractArchive does not write into a hard link to a file elsewhere", async () => {
  using result = await attack(
    [{ name: "file", data: "new" }],
    (to, outside) => linkSync(join(outside, "victim"), join(to, "file")),
  );
  expect(readFileSync(join(result.to, "file"), "utf8")).toBe("new");
});

test("extractArchive replaces a planted link in the way of a directory", async () => {
  using result = await attack(
    [{ name: "dir/", mode: DIRECTORY }, { name: "dir/victim", data: "new" }],
    (to, outside) => symlinkSync(outside, join(to, "dir")),
  );
  expect(result.problems).toEqual([]);
  expect(readFileSync(join(result.to, "dir/victim"), "utf8")).toBe("new");
});

test("extractArchive replaces a planted link deep in a path", async () => {
  using result = await attack([{ name: "a/b/c/victim", data: "new" }], (to, outside) => {
    mkdirSync(join(to, "a"));
    symlinkSync(outside, join(to, "a/b"));
  });
  expect(result.problems).toEqual([]);
  expect(result.tree).toEqual(["a", "a/b", "a/b/c", "a/b/c/victim"]);
});

test("extractArchive replaces a planted file in the way of a directory", async () => {
  using result = await attack(
    [{ name: "dir/file", data: "new" }],
    (to) => writeFileSync(join(to, "dir"), "in the way"),
  );
  expect(result.problems).toEqual([]);
  expect(result.tree).toEqual(["dir", "dir/file"]);
});

test("extractArchive refuses to replace a directory by a file or a link", async () => {
  using result = await attack([
    { name: "dir", data: "file" },
    { name: "other", data: "dir", mode: LINK },
  ], (to) => writeTree(to, { "dir/kept": "1", "other/kept": "2" }));
  expect(result.problems.sort()).toEqual([
    "dir: A directory is in the way",
    "other: A directory is in the way",
  ]);
  expect(result.tree).toEqual(["dir", "dir/kept", "other", "other/kept"]);
});

test("extractArchive refuses an entry below a file of the same archive", async () => {
  using result = await attack([
    { name: "a", data: "file" },
    { name: "a/b", data: "below" },
    GOOD,
  ]);
  expect(result.problems).toEqual(["a/b: The archive has a file where this needs a directory"]);
  expect(readFileSync(join(result.to, "a"), "utf8")).toBe("file");
});

test("extractArchive takes the last of two entries of one name", async () => {
  using result = await attack([{ name: "a", data: "1" }, { name: "./a", data: "2" }]);
  expect(result.problems).toEqual([]);
  expect(readFileSync(join(result.to, "a"), "utf8")).toBe("2");
});

test("extractArchive strips set-user-id bits", async () => {
  using result = await attack([{ name: "program", data: "x", mode: 0o106777 }]);
  expect(lstatSync(join(result.to, "program")).mode & 0o7777).toBe(0o777);
});

test("extractArchive stops a bomb at its declared size", async () => {
  const bomb = deflateRawSync(Buffer.alloc(300 << 20));
  const before = process.memoryUsage.rss();
  using result = await attack([
    { name: "small-claim", data: bomb, method: 8, rawSize: 1000 },
    { name: "larger-claim", data: bomb, method: 8, rawSize: 2 << 20 },
    { name: "zstd", data: zstdCompressSync(Buffer.alloc(64 << 20)), method: 93, rawSize: 100 },
    GOOD,
  ]);
  expect(result.problems.length).toBe(3);
  expect(result.tree).toEqual(["good"]);
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 << 20);
});

for (const format of ["zip", "tarzstd"] as const) {
  test(`extractArchive survives a ${format} cut at any place`, async () => {
    using temporary = scratch();
    const from = temporary.directory("from");
    writeTree(from, { "a/1": "one ".repeat(50), "a/2": "two", "b": "three ".repeat(2000) });
    writeFileSync(join(from, "noise"), crypto.getRandomValues(new Uint8Array(3000)));
    const archive = join(temporary.path, "archive");
    await pack(from, archive, { format });
    const whole = readFileSync(archive);
    const cut = join(temporary.path, "cut");
    for (let length = 0; length < whole.length - 30; length += 100) {
      writeFileSync(cut, whole.subarray(0, length));
      const to = temporary.directory(`to-${length}`);
      await expect(unpack(cut, to)).rejects.toThrow();
      if (format === "zip") expect(listTree(to)).toEqual([]);
    }
  });
}

describe.skipIf(Bun.which("tar") === null)("tar", () => {
  test("extractArchive refuses hard links, devices and climbing names of a tar", async () => {
    using temporary = scratch();
    const [from, to] = [temporary.directory("from/in"), temporary.directory("to")];
    writeTree(from, { "a-file": "1", "z-last": "2" });
    linkSync(join(from, "a-file"), join(from, "hard"));
    Bun.spawnSync(["mkfifo", join(from, "pipe")]);
    symlinkSync("/etc/passwd", join(from, "link"));
    writeFileSync(join(temporary.path, "from/outer"), "x");
    const archive = join(temporary.path, "archive");
    const names = ["../outer", "a-file", "hard", "pipe", "link", "z-last"];
    const tar = Bun.spawnSync(["tar", "-P", "--zstd", "-cf", archive, "-C", from, ...names]);
    expect(tar.exitCode).toBe(0);
    const problems = await unpack(archive, to);
    expect(problems.map((each) => each.split(":")[0]).sort()).toEqual([
      "../outer",
      "hard",
      "pipe",
    ]);
    expect(listTree(to)).toEqual(["a-file", "link", "z-last"]);
    expect(existsSync(join(temporary.path, "outer"))).toBe(false);
  });
});

test("safeParts knows what a name means on Windows", () => {
  expect(safeParts("C:/x", "win32")).toBeUndefined();
  expect(safeParts("a\\..\\..\\x", "win32")).toBeUndefined();
  expect(safeParts("file:stream", "win32")).toBeUndefined();
  expect(safeParts("a/./b//c", "win32")).toEqual(["a", "b", "c"]);
  expect(safeParts("C:/x", "linux")).toEqual(["C:", "x"]);
});
