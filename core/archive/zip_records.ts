/** The records of a zip file as bytes (APPNOTE 6.3): local headers, descriptors, the directory. */

import { type BlockTable, encodeBlockTable, EXTRA_BLOCKS } from "./block_table.ts";
import { METHOD_ZSTD } from "./compress_task.ts";
import type { ArchiveEntry, EntryMetadata } from "./entry.ts";

export const LOCAL_SIGNATURE = 0x04034b50;
export const CENTRAL_SIGNATURE = 0x02014b50;
export const END_SIGNATURE = 0x06054b50;
export const END64_SIGNATURE = 0x06064b50;
export const LOCATOR64_SIGNATURE = 0x07064b50;
const DESCRIPTOR_SIGNATURE = 0x08074b50;

export const LIMIT_16 = 0xffff;
export const LIMIT_32 = 0xffffffff;

export const EXTRA_ZIP64 = 0x0001;
export const EXTRA_TIMESTAMP = 0x5455;
export const EXTRA_UNIX_OWNER = 0x7875;

const FLAG_DESCRIPTOR = 0x0008;
const FLAG_UTF8 = 0x0800;
const MADE_BY_UNIX = 3 << 8;

/** File types in the upper half of the external attributes, as stat has them. */
export const TYPE_MASK = 0o170000;
export const TYPE_FILE = 0o100000;
export const TYPE_DIRECTORY = 0o040000;
export const TYPE_SYMLINK = 0o120000;

/** What one entry's records say about its content. */
export interface ZipContent {
  readonly method: number;
  readonly crc: number;
  readonly size: number;
  readonly rawSize: number;
  /** Sizes and checksum follow the data, because they were not known before it. */
  readonly streamed: boolean;
  /** Written with 64-bit sizes. Decided before the data, so it may be true for a small entry. */
  readonly zip64: boolean;
  /** Of a file that was compressed block by block. */
  readonly blocks?: BlockTable;
}

export function localHeader(entry: ArchiveEntry, content: ZipContent): Buffer {
  const name = entryName(entry);
  const extra = Buffer.concat([
    ...(content.zip64 ? [extraField(EXTRA_ZIP64, zip64Sizes(content))] : []),
    ...metadataExtras(entry),
  ]);
  const fixed = Buffer.alloc(30);
  fixed.writeUInt32LE(LOCAL_SIGNATURE, 0);
  writeCommon(fixed, 4, entry, content);
  fixed.writeUInt16LE(name.length, 26);
  fixed.writeUInt16LE(extra.length, 28);
  return Buffer.concat([fixed, name, extra]);
}

export function dataDescriptor(content: ZipContent): Buffer {
  const record = Buffer.alloc(content.zip64 ? 24 : 16);
  record.writeUInt32LE(DESCRIPTOR_SIGNATURE, 0);
  record.writeUInt32LE(content.crc, 4);
  if (content.zip64) {
    record.writeBigUInt64LE(BigInt(content.size), 8);
    record.writeBigUInt64LE(BigInt(content.rawSize), 16);
  } else {
    record.writeUInt32LE(content.size, 8);
    record.writeUInt32LE(content.rawSize, 12);
  }
  return record;
}

export function centralHeader(entry: ArchiveEntry, content: ZipContent, offset: number): Buffer {
  const name = entryName(entry);
  const farOffset = offset >= LIMIT_32;
  const wide = [
    ...(content.zip64 ? [content.rawSize, content.size] : []),
    ...(farOffset ? [offset] : []),
  ];
  const table = content.blocks === undefined ? undefined : encodeBlockTable(content.blocks);
  const extra = Buffer.concat([
    ...(wide.length > 0 ? [extraField(EXTRA_ZIP64, uint64s(wide))] : []),
    ...metadataExtras(entry),
    ...(table === undefined ? [] : [extraField(EXTRA_BLOCKS, table)]),
  ]);
  const fixed = Buffer.alloc(46);
  fixed.writeUInt32LE(CENTRAL_SIGNATURE, 0);
  fixed.writeUInt16LE(MADE_BY_UNIX | 45, 4);
  writeCommon(fixed, 6, entry, content);
  fixed.writeUInt32LE(content.crc, 16);
  fixed.writeUInt32LE(content.zip64 ? LIMIT_32 : content.size, 20);
  fixed.writeUInt32LE(content.zip64 ? LIMIT_32 : content.rawSize, 24);
  fixed.writeUInt16LE(name.length, 28);
  fixed.writeUInt16LE(extra.length, 30);
  fixed.writeUInt32LE(externalAttributes(entry), 38);
  fixed.writeUInt32LE(farOffset ? LIMIT_32 : offset, 42);
  return Buffer.concat([fixed, name, extra]);
}

/** The end of the archive, with the zip64 records where a number is too large without them. */
export function endRecords(count: number, directorySize: number, directoryOffset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END_SIGNATURE, 0);
  end.writeUInt16LE(Math.min(count, LIMIT_16), 8);
  end.writeUInt16LE(Math.min(count, LIMIT_16), 10);
  end.writeUInt32LE(Math.min(directorySize, LIMIT_32), 12);
  end.writeUInt32LE(Math.min(directoryOffset, LIMIT_32), 16);
  const fits = count < LIMIT_16 && directorySize < LIMIT_32 && directoryOffset < LIMIT_32;
  if (fits) return end;
  const wide = Buffer.alloc(56);
  wide.writeUInt32LE(END64_SIGNATURE, 0);
  wide.writeBigUInt64LE(44n, 4);
  wide.writeUInt16LE(MADE_BY_UNIX | 45, 12);
  wide.writeUInt16LE(45, 14);
  wide.set(uint64s([count, count, directorySize, directoryOffset]), 24);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(LOCATOR64_SIGNATURE, 0);
  locator.writeBigUInt64LE(BigInt(directoryOffset + directorySize), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([wide, locator, end]);
}

/** Version, flags, method and time are the same in both headers, then (local only) the sizes. */
function writeCommon(record: Buffer, at: number, entry: ArchiveEntry, content: ZipContent): void {
  const version = content.method === METHOD_ZSTD ? 63 : content.zip64 ? 45 : 20;
  const utf8 = Buffer.byteLength(entry.path) === entry.path.length ? 0 : FLAG_UTF8;
  record.writeUInt16LE(version, at);
  record.writeUInt16LE(utf8 | (content.streamed ? FLAG_DESCRIPTOR : 0), at + 2);
  record.writeUInt16LE(content.method, at + 4);
  record.writeUInt32LE(dosTime(entry.mtimeMs), at + 6);
  if (at !== 4 || content.streamed) return;
  record.writeUInt32LE(content.crc, 14);
  record.writeUInt32LE(content.zip64 ? LIMIT_32 : content.size, 18);
  record.writeUInt32LE(content.zip64 ? LIMIT_32 : content.rawSize, 22);
}

function entryName(entry: ArchiveEntry): Buffer {
  return Buffer.from(entry.kind === "directory" ? `${entry.path}/` : entry.path);
}

function externalAttributes(entry: ArchiveEntry): number {
  const type = { file: TYPE_FILE, directory: TYPE_DIRECTORY, symlink: TYPE_SYMLINK }[entry.kind];
  const dosDirectory = entry.kind === "directory" ? 0x10 : 0;
  return (((type | entry.mode) << 16) | dosDirectory) >>> 0;
}

function metadataExtras(entry: EntryMetadata): Buffer[] {
  const timestamp = Buffer.alloc(5);
  timestamp[0] = 1;
  const seconds = Math.floor(entry.mtimeMs / 1000);
  timestamp.writeInt32LE(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, seconds)), 1);
  const owner = Buffer.alloc(11);
  owner[0] = 1;
  owner[1] = 4;
  owner.writeUInt32LE(entry.uid >>> 0, 2);
  owner[6] = 4;
  owner.writeUInt32LE(entry.gid >>> 0, 7);
  return [extraField(EXTRA_TIMESTAMP, timestamp), extraField(EXTRA_UNIX_OWNER, owner)];
}

function extraField(id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}

/** In a streamed entry's local header both sizes are 0: the descriptor has them. */
function zip64Sizes(content: ZipContent): Buffer {
  return uint64s(content.streamed ? [0, 0] : [content.rawSize, content.size]);
}

function uint64s(values: readonly number[]): Buffer {
  const data = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => data.writeBigUInt64LE(BigInt(value), 8 * index));
  return data;
}

/** MS-DOS date and time in UTC, to two seconds; years outside 1980 to 2107 are clamped. */
function dosTime(ms: number): number {
  const date = new Date(Math.max(Date.UTC(1980), Math.min(Date.UTC(2107, 11, 31), ms)));
  const days = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) |
    date.getUTCDate();
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) |
    (date.getUTCSeconds() >> 1);
  return ((days << 16) | time) >>> 0;
}
