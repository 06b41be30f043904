/** Reads what a zip file says it holds: its central directory, with zip64. */

import { type BlockTable, decodeBlockTable, EXTRA_BLOCKS } from "./block_table.ts";
import { ArchiveError } from "./entry.ts";
import type { WindowedFile } from "./windowed_file.ts";
import {
  CENTRAL_SIGNATURE,
  END64_SIGNATURE,
  END_SIGNATURE,
  EXTRA_TIMESTAMP,
  EXTRA_UNIX_OWNER,
  EXTRA_ZIP64,
  LIMIT_16,
  LIMIT_32,
  LOCATOR64_SIGNATURE,
  TYPE_DIRECTORY,
  TYPE_FILE,
  TYPE_MASK,
  TYPE_SYMLINK,
} from "./zip_records.ts";

export interface ZipEntry {
  /** As the archive has it: unchecked. */
  readonly name: string;
  readonly kind: "file" | "directory" | "symlink" | "special";
  readonly encrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly size: number;
  readonly rawSize: number;
  /** Where the local header begins. */
  readonly offset: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly blocks: BlockTable | undefined;
}

interface DirectoryLocation {
  readonly offset: number;
  readonly size: number;
  /** Bytes that stand before the archive proper (a self-extractor's program, for example). */
  readonly shift: number;
}

/** A directory above this is not one a runner wrote: it would be some ten million files. */
const LARGEST_DIRECTORY = 1 << 30;

/** Entries in the order of the directory. Throws ArchiveError when the file is no whole zip. */
export function* readZipDirectory(file: WindowedFile): Generator<ZipEntry> {
  const { offset, size, shift } = locateDirectory(file);
  if (size > LARGEST_DIRECTORY) throw new ArchiveError("Directory of the zip archive is too large");
  const directory = Buffer.from(file.read(offset, size));
  for (let at = 0; at < size;) {
    if (at + 46 > size || directory.readUInt32LE(at) !== CENTRAL_SIGNATURE) {
      throw new ArchiveError("Directory of the zip archive is damaged");
    }
    const end = at + 46 + directory.readUInt16LE(at + 28) + directory.readUInt16LE(at + 30) +
      directory.readUInt16LE(at + 32);
    if (end > size) throw new ArchiveError("Directory of the zip archive is damaged");
    yield readEntry(directory.subarray(at, end), shift);
    at = end;
  }
}

const END_SIZE = 22;
const LONGEST_COMMENT = LIMIT_16;

function locateDirectory(file: WindowedFile): DirectoryLocation {
  const from = Math.max(0, file.size - END_SIZE - LONGEST_COMMENT);
  const tail = file.read(from, file.size - from);
  for (let at = tail.length - END_SIZE; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    if (at + END_SIZE + tail.readUInt16LE(at + 20) !== tail.length) continue;
    const plain = {
      size: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
      end: from + at,
    };
    return placed(wideLocation(file, from + at) ?? plain);
  }
  throw new ArchiveError("Not a zip archive, or one that is cut off");
}

/** The zip64 record of the end, when there is one. */
function wideLocation(file: WindowedFile, end: number) {
  const locatorAt = end - 20;
  if (locatorAt < 0) return undefined;
  const locator = file.read(locatorAt, 20);
  if (locator.readUInt32LE(0) !== LOCATOR64_SIGNATURE) return undefined;
  const stated = Number(locator.readBigUInt64LE(8));
  // With something in front of the archive the stated place is wrong; the usual one is right then.
  for (const at of [stated, locatorAt - 56]) {
    if (at < 0 || at + 56 > locatorAt) continue;
    const record = file.read(at, 56);
    if (record.readUInt32LE(0) !== END64_SIGNATURE) continue;
    return {
      size: Number(record.readBigUInt64LE(40)),
      offset: Number(record.readBigUInt64LE(48)),
      end: at,
    };
  }
  throw new ArchiveError("Zip64 record of the archive is damaged");
}

function placed({ size, offset, end }: { size: number; offset: number; end: number }) {
  const start = end - size;
  if (start < 0 || offset > start) {
    throw new ArchiveError("Not a zip archive, or one that is cut off");
  }
  return { offset: start, size, shift: start - offset };
}

function readEntry(record: Buffer, shift: number): ZipEntry {
  const nameEnd = 46 + record.readUInt16LE(28);
  const extraEnd = nameEnd + record.readUInt16LE(30);
  const name = record.toString("utf8", 46, nameEnd);
  const narrow = {
    rawSize: record.readUInt32LE(24),
    size: record.readUInt32LE(20),
    offset: record.readUInt32LE(42),
  };
  const extras = readExtras(record.subarray(nameEnd, extraEnd), narrow);
  const unix = isUnix(record[5]!);
  const attributes = record.readUInt32LE(38) >>> 16;
  const kind = kindOf(name, unix ? attributes & TYPE_MASK : 0);
  return {
    name,
    kind,
    encrypted: (record.readUInt16LE(8) & 1) !== 0,
    method: record.readUInt16LE(10),
    crc: record.readUInt32LE(16),
    ...extras.sizes,
    offset: extras.sizes.offset + shift,
    mode: unix && attributes !== 0 ? attributes & 0o7777 : kind === "directory" ? 0o755 : 0o644,
    mtimeMs: extras.mtimeMs ?? fromDosTime(record.readUInt32LE(12)),
    owner: extras.owner,
    blocks: extras.blocks && decodeBlockTable(extras.blocks, extras.sizes),
  };
}

/** Unix and macOS keep stat's mode in the attributes. */
function isUnix(madeBy: number): boolean {
  return madeBy === 3 || madeBy === 19;
}

function kindOf(name: string, type: number): ZipEntry["kind"] {
  if (type === TYPE_SYMLINK) return "symlink";
  if (type === TYPE_DIRECTORY || name.endsWith("/")) return "directory";
  return type === 0 || type === TYPE_FILE ? "file" : "special";
}

type Sizes = Pick<ZipEntry, "size" | "rawSize" | "offset">;

function readExtras(extra: Buffer, narrow: Sizes) {
  let sizes = narrow;
  let mtimeMs: number | undefined;
  let owner: ZipEntry["owner"];
  let blocks: Buffer | undefined;
  for (let at = 0; at + 4 <= extra.length;) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (end > extra.length) break;
    const data = extra.subarray(at + 4, end);
    switch (extra.readUInt16LE(at)) {
      case EXTRA_ZIP64:
        sizes = widened(narrow, data);
        break;
      case EXTRA_TIMESTAMP:
        if (data.length >= 5 && (data[0]! & 1) !== 0) mtimeMs = data.readInt32LE(1) * 1000;
        break;
      case EXTRA_UNIX_OWNER:
        if (data.length >= 11 && data[1] === 4 && data[6] === 4) {
          owner = { uid: data.readUInt32LE(2), gid: data.readUInt32LE(7) };
        }
        break;
      case EXTRA_BLOCKS:
        blocks = data;
    }
    at = end;
  }
  return { sizes, mtimeMs, owner, blocks };
}

/** Each number that did not fit stands in the extra field, in this order. */
function widened(narrow: Sizes, data: Buffer): Sizes {
  let at = 0;
  const wide = (value: number) => {
    if (value !== LIMIT_32 || at + 8 > data.length) return value;
    at += 8;
    return Number(data.readBigUInt64LE(at - 8));
  };
  const rawSize = wide(narrow.rawSize);
  const size = wide(narrow.size);
  return { rawSize, size, offset: wide(narrow.offset) };
}

function fromDosTime(value: number): number {
  const days = value >>> 16;
  return Date.UTC(
    1980 + (days >> 9),
    ((days >> 5) & 15) - 1,
    days & 31,
    (value >> 11) & 31,
    (value >> 5) & 63,
    (value & 31) * 2,
  );
}
