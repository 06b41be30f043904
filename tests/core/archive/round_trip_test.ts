/** Archives come back as they went in, and other programs read them. */

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createArchive } from "../../../core/archive/create.ts";
import { readEntry } from "../../../core/archive/entry.ts";
import { listTree, pack, scratch, unpack } from "./support.ts";

const OLD = new Date("2019-03-04T05:06:08Z");

/** A file above the block size that is text, noise, and text again. */
function mixedContent(): Buffer {
  const text = Buffer.from("The quick brown fox jumps over the lazy dog. ".repeat(30_000));
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)));
  return Buffer.concat([text, ...Array.from({ length: 30 }, () => noise), text]);
}

function buildTree(root: string): void {
  mkdirSync(join(root, "dir/empty"), { recursive: true });
  writeFileSync(join(root, "dir/private"), "secret");
  chmodSync(join(root, "dir/private"), 0o600);
  writeFileSync(join(root, "dir/run.sh"), "#!/bin/sh\n");
  chmodSync(join(root, "dir/run.sh"), 0o755);
  writeFileSync(join(root, "dir/open"), "");
  chmodSync(join(root, "dir/open"), 0o666);
  writeFileSync(join(root, "setuid"), "x");
  chmodSync(join(root, "setuid"), 0o4755);
  writeFileSync(join(root, ".hidden ünï☃"), "utf-8 name");
  writeFileSync(join(root, "big"), mixedContent());
  symlinkSync("private", join(root, "dir/link"));
  symlinkSync("nowhere", join(root, "dangling"));
  utimesSync(join(root, "dir/private"), OLD, OLD);
  chmodSync(join(root, "dir/empty"), 0o700);
  utimesSync(join(root, "dir/empty"), OLD, OLD);
  utimesSync(join(root, "dir"), OLD, OLD);
}

for (const format of ["zip", "zipzstd", "tarzstd"] as const) {
  describe(format, () => {
    test(`${format} keeps content, modes, links, times and empty directories`, async () => {
      using temporary = scratch();
      const [from, to] = [temporary.directory("from"), temporary.directory("to")];
      buildTree(from);
      const archive = join(temporary.path, "archive");
      expect(await pack(from, archive, { format })).toEqual([]);
      expect(await unpack(archive, to)).toEqual([]);

      expect(listTree(to)).toEqual(listTree(from));
      for (const name of ["dir/private", "dir/run.sh", "dir/open", "big", ".hidden ünï☃"]) {
        expect(readFileSync(join(to, name)).equals(readFileSync(join(from, name)))).toBe(true);
        expect(statSync(join(to, name)).mode).toBe(statSync(join(from, name)).mode);
      }
      expect(statSync(join(to, "setuid")).mode & 0o7777).toBe(0o755);
      expect(readlinkSync(join(to, "dir/link"))).toBe("private");
      expect(readlinkSync(join(to, "dangling"))).toBe("nowhere");
      expect(statSync(join(to, "dir/empty")).mode & 0o777).toBe(0o700);
      for (const name of ["dir", "dir/empty", "dir/private"]) {
        expect(statSync(join(to, name)).mtimeMs).toBe(OLD.getTime());
      }
    });

    for (const level of ["fastest", "fast", "slow", "slowest"]) {
      test(`${format} at level ${level} comes back whole`, async () => {
        using temporary = scratch();
        const [from, to] = [temporary.directory("from"), temporary.directory("to")];
        writeFileSync(join(from, "big"), mixedContent());
        writeFileSync(join(from, "small"), "small ".repeat(100));
        const archive = join(temporary.path, "archive");
        await pack(from, archive, { format, level });
        expect(await unpack(archive, to)).toEqual([]);
        expect(readFileSync(join(to, "big")).equals(readFileSync(join(from, "big")))).toBe(true);
        expect(readFileSync(join(to, "small"), "utf8")).toBe("small ".repeat(100));
      });
    }

    test(`${format} keeps many files when workers compress them`, async () => {
      using temporary = scratch();
      const [from, to] = [temporary.directory("from"), temporary.directory("to")];
      for (let index = 0; index < 200; index++) {
        writeFileSync(join(from, `file-${index}`), `content ${index} `.repeat(4000));
      }
      const archive = join(temporary.path, "archive");
      await pack(from, archive, { format });
      expect(await unpack(archive, to)).toEqual([]);
      expect(listTree(to).length).toBe(200);
      expect(readFileSync(join(to, "file-199"), "utf8")).toBe("content 199 ".repeat(4000));
    });

    test(`${format} replaces files that are there`, async () => {
      using temporary = scratch();
      const [from, to] = [temporary.directory("from"), temporary.directory("to")];
      writeFileSync(join(from, "file"), "new");
      writeFileSync(join(to, "file"), "older and longer", { mode: 0o400 });
      const archive = join(temporary.path, "archive");
      await pack(from, archive, { format });
      expect(await unpack(archive, to)).toEqual([]);
      expect(readFileSync(join(to, "file"), "utf8")).toBe("new");
    });
  });
}

test("tar keeps names, targets and times that ustar cannot hold", async () => {
  using temporary = scratch();
  const [from, to] = [temporary.directory("from"), temporary.directory("to")];
  const deep = `${"long-directory-name/".repeat(12)}file`;
  mkdirSync(join(from, deep, ".."), { recursive: true });
  writeFileSync(join(from, deep), "deep");
  symlinkSync("t".repeat(150), join(from, "link"));
  utimesSync(join(from, deep), 1_600_000_000.25, 1_600_000_000.25);
  const archive = join(temporary.path, "archive");
  await pack(from, archive, { format: "tarzstd" });
  expect(await unpack(archive, to)).toEqual([]);
  expect(statSync(join(to, deep)).mtimeMs).toBe(1_600_000_000_250);
  expect(readlinkSync(join(to, "link"))).toBe("t".repeat(150));

  const other = temporary.directory("other");
  const tar = Bun.spawnSync(["tar", "--zstd", "-xf", archive, "-C", other]);
  expect(tar.stderr.toString()).toBe("");
  expect(readFileSync(join(other, deep), "utf8")).toBe("deep");
});

describe.skipIf(Bun.which("unzip") === null)("unzip", () => {
  test("zip is read by Info-ZIP, with modes and links", async () => {
    using temporary = scratch();
    const [from, to] = [temporary.directory("from"), temporary.directory("to")];
    buildTree(from);
    const archive = join(temporary.path, "archive.zip");
    await pack(from, archive);
    const check = Bun.spawnSync(["unzip", "-tq", archive]);
    expect(check.stdout.toString()).toStartWith("No errors detected");
    Bun.spawnSync(["unzip", "-q", archive, "-d", to]);
    expect(readFileSync(join(to, "big")).equals(readFileSync(join(from, "big")))).toBe(true);
    expect(statSync(join(to, "dir/run.sh")).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(to, "dir/link"))).toBe("private");
    expect(statSync(join(to, "dir/private")).mtimeMs).toBe(OLD.getTime());
  });
});

describe.skipIf(Bun.which("python3") === null)("python", () => {
  test("zip is read by Python's zipfile", async () => {
    using temporary = scratch();
    const from = temporary.directory("from");
    buildTree(from);
    const archive = join(temporary.path, "archive.zip");
    await pack(from, archive);
    const program = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); " +
      "print(z.testzip(), len(z.namelist()))";
    const check = Bun.spawnSync(["python3", "-c", program, archive]);
    expect(check.stdout.toString().trim()).toBe(`None ${listTree(from).length}`);
  });

  test("zip with data descriptors from a streaming writer is extracted", async () => {
    using temporary = scratch();
    const to = temporary.directory("to");
    const archive = join(temporary.path, "archive.zip");
    const program = `import sys,zipfile
class Pipe:
    def __init__(s,f): s.f=f
    def write(s,b): return s.f.write(b)
    def flush(s): s.f.flush()
z=zipfile.ZipFile(Pipe(open(sys.argv[1],"wb")),"w",zipfile.ZIP_DEFLATED)
z.writestr("a/b","streamed "*1000); z.writestr("big","0123456789"*300000); z.close()`;
    Bun.spawnSync(["python3", "-c", program, archive]);
    expect(await unpack(archive, to)).toEqual([]);
    expect(readFileSync(join(to, "a/b"), "utf8")).toBe("streamed ".repeat(1000));
    expect(statSync(join(to, "big")).size).toBe(3_000_000);
  });
});

test("zip of more than 65,535 entries is zip64 and comes back", async () => {
  using temporary = scratch();
  const root = temporary.directory("from");
  writeFileSync(join(root, "file"), "content");
  const template = readEntry(root, "file")!;
  const directory = readEntry(temporary.path, "from")!;
  const entries = [
    ...Array.from({ length: 70_000 }, (_, at) => ({ ...directory, path: `d${at}` })),
    template,
  ];
  const archive = join(temporary.path, "archive.zip");
  const chunks: Uint8Array[] = [];
  const options = { format: "zip", root, entries, level: "fastest", onProblem() {} } as const;
  for await (const chunk of createArchive(options)) chunks.push(chunk);
  writeFileSync(archive, Buffer.concat(chunks));
  const program = "import sys,zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))";
  expect(Bun.spawnSync(["python3", "-c", program, archive]).stdout.toString().trim()).toBe("70001");
  const { readZipDirectory } = await import("../../../core/archive/zip_directory.ts");
  const { WindowedFile } = await import("../../../core/archive/windowed_file.ts");
  using file = new WindowedFile(archive);
  const read = [...readZipDirectory(file)];
  expect(read.length).toBe(70_001);
  expect(read.at(-1)).toMatchObject({ name: "file", rawSize: 7 });
});

test("gzip is one member per file, one after the other", async () => {
  using temporary = scratch();
  const root = temporary.directory("from");
  writeFileSync(join(root, "a"), "first\n");
  writeFileSync(join(root, "b"), mixedContent());
  mkdirSync(join(root, "c"));
  const archive = join(temporary.path, "archive.gz");
  await pack(root, archive, { format: "gzip" });
  const expected = Buffer.concat([Buffer.from("first\n"), readFileSync(join(root, "b"))]);
  expect(gunzipSync(readFileSync(archive)).equals(expected)).toBe(true);
  expect(Bun.spawnSync(["gzip", "-t", archive]).exitCode).toBe(0);
});

test("raw is the file itself, and refuses two", async () => {
  using temporary = scratch();
  const root = temporary.directory("from");
  writeFileSync(join(root, "a"), "as it is");
  const archive = join(temporary.path, "archive");
  await pack(root, archive, { format: "raw" });
  expect(readFileSync(archive, "utf8")).toBe("as it is");
  writeFileSync(join(root, "b"), "another");
  await expect(pack(root, archive, { format: "raw" })).rejects.toThrow("exactly one file, not 2");
});

test("createArchive leaves out a file that vanished and tells so", async () => {
  using temporary = scratch();
  const root = temporary.directory("from");
  writeFileSync(join(root, "there"), "1");
  const there = readEntry(root, "there")!;
  const problems: string[] = [];
  const chunks: Uint8Array[] = [];
  const options = {
    format: "zip",
    root,
    entries: [{ ...there, path: "gone" }, there],
    level: "default",
    onProblem: (path: string) => problems.push(path),
  } as const;
  for await (const chunk of createArchive(options)) chunks.push(chunk);
  expect(problems).toEqual(["gone"]);
  const archive = join(temporary.path, "archive.zip");
  writeFileSync(archive, Buffer.concat(chunks));
  expect(await unpack(archive, temporary.directory("to"))).toEqual([]);
});

test("createArchive does not follow a link that took the place of a file", async () => {
  using temporary = scratch();
  const root = temporary.directory("from");
  writeFileSync(join(root, "file"), "1");
  writeFileSync(join(temporary.path, "outside"), "outside");
  const entry = readEntry(root, "file")!;
  const swapped = { ...entry, path: "swapped" };
  symlinkSync(join(temporary.path, "outside"), join(root, "swapped"));
  const problems: string[] = [];
  const chunks: Uint8Array[] = [];
  const options = {
    format: "zip",
    root,
    entries: [swapped],
    level: "fastest",
    onProblem: (path: string) => problems.push(path),
  } as const;
  for await (const chunk of createArchive(options)) chunks.push(chunk);
  expect(problems).toEqual(["swapped"]);
  expect(Buffer.concat(chunks).includes("outside")).toBe(false);
  expect(lstatSync(join(root, "swapped")).isSymbolicLink()).toBe(true);
});

test("zip compresses what lies between noise, wherever the noise lies", async () => {
  using temporary = scratch();
  const from = temporary.directory("from");
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(65_536)));
  const text = Buffer.from("a line of a log, time and again\n".repeat(2048));
  writeFileSync(join(from, "whole"), Buffer.concat([noise, text, noise, text, noise]));
  writeFileSync(join(from, "blocks"), Buffer.concat(Array(20).fill([noise, text]).flat()));
  const archive = join(temporary.path, "archive");
  await pack(from, archive, { format: "zip" });
  // 23 times the noise.
  expect(statSync(archive).size).toBeLessThan(24 * noise.length);
});
