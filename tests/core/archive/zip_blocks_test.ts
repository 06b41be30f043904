import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeBlockTable, encodeBlockTable } from "../../../core/archive/block_table.ts";
import type { ArchiveFormat } from "../../../core/archive/format.ts";
import { WindowedFile } from "../../../core/archive/windowed_file.ts";
import { readZipDirectory, type ZipEntry } from "../../../core/archive/zip_directory.ts";
import { pack, type Scratch, scratch, unpack } from "./support.ts";

const SIZE = (12 << 20) + 12_345;

/** Text of another kind in each megabyte, so that blocks put in each other's place show. */
const CONTENT = Buffer.concat(
  Array.from({ length: 13 }, (_, index) => Buffer.alloc(1 << 20, `block ${index} of the file\n`)),
).subarray(0, SIZE);

async function archiveOf(place: Scratch, format: ArchiveFormat): Promise<string> {
  const root = place.directory("root");
  writeFileSync(join(root, "large.txt"), CONTENT);
  writeFileSync(join(root, "small.txt"), "small");
  const archive = join(place.path, "archive.zip");
  expect(await pack(root, archive, { format })).toEqual([]);
  return archive;
}

function entriesOf(archive: string): ZipEntry[] {
  using file = new WindowedFile(archive);
  return [...readZipDirectory(file)];
}

function digest(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

for (const format of ["zip", "zipzstd"] as const) {
  test(`${format} says where the blocks of a large file lie, and is extracted by them`, async () => {
    using place = scratch();
    const archive = await archiveOf(place, format);
    const [large, small] = entriesOf(archive);
    expect(large?.blocks?.rawBlockSize).toBe(1 << 20);
    expect(large?.blocks?.sizes.length).toBe(13);
    expect(small?.blocks).toBeUndefined();
    const destination = place.directory("out");
    expect(await unpack(archive, destination)).toEqual([]);
    expect(digest(readFileSync(join(destination, "large.txt")))).toBe(digest(CONTENT));
    expect(readFileSync(join(destination, "small.txt"), "utf8")).toBe("small");
  });

  test(`${format} with a damaged block leaves out that file and no other`, async () => {
    using place = scratch();
    const archive = await archiveOf(place, format);
    const bytes = readFileSync(archive);
    const [large] = entriesOf(archive);
    const middle = large!.offset + Math.floor(large!.size / 2);
    bytes.fill(0xa5, middle, middle + 64);
    writeFileSync(archive, bytes);
    const destination = place.directory("out");
    expect(await unpack(archive, destination)).toEqual([expect.stringContaining("large.txt: ")]);
    expect(readdirSync(destination)).toEqual(["small.txt"]);
  });
}

test("a table whose blocks lie elsewhere costs its file and writes nothing else", async () => {
  using place = scratch();
  const archive = await archiveOf(place, "zip");
  const bytes = readFileSync(archive);
  const [large] = entriesOf(archive);
  const at = bytes.indexOf(encodeBlockTable(large!.blocks!)!);
  const first = bytes.readUInt32LE(at + 4);
  bytes.writeUInt32LE(first + 7, at + 4);
  bytes.writeUInt32LE(bytes.readUInt32LE(at + 8) - 7, at + 8);
  writeFileSync(archive, bytes);
  const destination = place.directory("out");
  expect(await unpack(archive, destination)).toEqual([expect.stringContaining("large.txt: ")]);
  expect(readdirSync(destination)).toEqual(["small.txt"]);
});

test("a table that does not fit the entry is passed over, and the file comes back", async () => {
  using place = scratch();
  const archive = await archiveOf(place, "zip");
  const bytes = readFileSync(archive);
  const [large] = entriesOf(archive);
  const at = bytes.indexOf(encodeBlockTable(large!.blocks!)!);
  bytes.writeUInt32LE(bytes.readUInt32LE(at + 4) + 1, at + 4);
  writeFileSync(archive, bytes);
  expect(entriesOf(archive)[0]?.blocks).toBeUndefined();
  const destination = place.directory("out");
  expect(await unpack(archive, destination)).toEqual([]);
  expect(digest(readFileSync(join(destination, "large.txt")))).toBe(digest(CONTENT));
});

test("decodeBlockTable takes what encodeBlockTable made, for the entry it was made for", () => {
  const table = { rawBlockSize: 100, sizes: [10, 20, 5] };
  const data = encodeBlockTable(table)!;
  expect(decodeBlockTable(data, { size: 35, rawSize: 250 })).toEqual(table);
  expect(decodeBlockTable(data, { size: 36, rawSize: 250 })).toBeUndefined();
  expect(decodeBlockTable(data, { size: 35, rawSize: 301 })).toBeUndefined();
  expect(decodeBlockTable(data.subarray(0, 10), { size: 35, rawSize: 250 })).toBeUndefined();
  expect(decodeBlockTable(Buffer.alloc(0), { size: 0, rawSize: 0 })).toBeUndefined();
  const huge = encodeBlockTable({ rawBlockSize: 0xffff_ffff, sizes: [35] })!;
  expect(decodeBlockTable(huge, { size: 35, rawSize: 250 })).toBeUndefined();
});

test("encodeBlockTable gives up where an extra field has no room", () => {
  expect(encodeBlockTable({ rawBlockSize: 1, sizes: Array.from({ length: 16_000 }, () => 1) }))
    .toBeDefined();
  expect(encodeBlockTable({ rawBlockSize: 1, sizes: Array.from({ length: 17_000 }, () => 1) }))
    .toBeUndefined();
});
