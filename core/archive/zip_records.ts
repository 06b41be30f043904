/** The records of a zip file as bytes (APPNOTE 6.3): local headers, descriptors, the directory. */

import type { ByteBlocks } from "../util/byte_blocks.ts";
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

/** No header of an entry is longer than this, but for its table of blocks. Bytes. */
export function longestHeader({ path }: EntryMetadata): number {
  return 128 + 3 * path.length;
}

/** Writes the record from `at` on; returns where it ends. */
export function writeLocalHeader(
  record: Buffer,
  at: number,
  entry: ArchiveEntry,
  content: ZipContent,
): number {
  const { streamed, zip64, crc, size, rawSize } = content;
  record.writeUInt32LE(LOCAL_SIGNATURE, at);
  writeCommon(record, at + 4, entry, content);
  record.writeUInt32LE(streamed ? 0 : crc, at + 14);
  record.writeUInt32LE(streamed ? 0 : narrow(content, size), at + 18);
  record.writeUInt32LE(streamed ? 0 : narrow(content, rawSize), at + 22);
  const extraAt = writeName(record, at + 30, entry);
  record.writeUInt16LE(extraAt - at - 30, at + 26);
  // In a streamed entry both sizes are 0: the descriptor has them.
  const wide = streamed ? [0, 0] : [rawSize, size];
  const metadataAt = zip64 ? writeZip64(record, extraAt, wide) : extraAt;
  const end = writeMetadata(record, metadataAt, entry);
  record.writeUInt16LE(end - extraAt, at + 28);
  return end;
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

/** Appends the record of an entry whose local header is at `offset`. */
export function appendCentralHeader(
  directory: ByteBlocks,
  entry: ArchiveEntry,
  content: ZipContent,
  offset: number,
): void {
  const table = content.blocks === undefined ? undefined : encodeBlockTable(content.blocks);
  const most = longestHeader(entry) + (table === undefined ? 0 : 4 + table.length);
  directory.append(most, (record, at) => {
    const isFar = offset >= LIMIT_32;
    record.writeUInt32LE(CENTRAL_SIGNATURE, at);
    record.writeUInt16LE(MADE_BY_UNIX | 45, at + 4);
    writeCommon(record, at + 6, entry, content);
    record.writeUInt32LE(content.crc, at + 16);
    record.writeUInt32LE(narrow(content, content.size), at + 20);
    record.writeUInt32LE(narrow(content, content.rawSize), at + 24);
    // No comment, the first disk, nothing of a system's own.
    record.fill(0, at + 32, at + 38);
    record.writeUInt32LE(externalAttributes(entry), at + 38);
    record.writeUInt32LE(isFar ? LIMIT_32 : offset, at + 42);
    const extraAt = writeName(record, at + 46, entry);
    record.writeUInt16LE(extraAt - at - 46, at + 28);
    const wide = content.zip64 ? [content.rawSize, content.size] : [];
    if (isFar) wide.push(offset);
    const metadataAt = wide.length > 0 ? writeZip64(record, extraAt, wide) : extraAt;
    let end = writeMetadata(record, metadataAt, entry);
    if (table !== undefined) end = writeExtra(record, end, EXTRA_BLOCKS, table);
    record.writeUInt16LE(end - extraAt, at + 30);
    return end;
  });
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

/** Version, flags, method and time are the same in both headers. */
function writeCommon(record: Buffer, at: number, entry: ArchiveEntry, content: ZipContent): void {
  const version = content.method === METHOD_ZSTD ? 63 : content.zip64 ? 45 : 20;
  const utf8 = Buffer.byteLength(entry.path) === entry.path.length ? 0 : FLAG_UTF8;
  record.writeUInt16LE(version, at);
  record.writeUInt16LE(utf8 | (content.streamed ? FLAG_DESCRIPTOR : 0), at + 2);
  record.writeUInt16LE(content.method, at + 4);
  record.writeUInt32LE(dosTime(entry.mtimeMs), at + 6);
}

/** What stands in the place of a size: with zip64 it is in a field of its own. */
function narrow(content: ZipContent, size: number): number {
  return content.zip64 ? LIMIT_32 : size;
}

function writeName(record: Buffer, at: number, entry: ArchiveEntry): number {
  const end = at + record.write(entry.path, at);
  return entry.kind === "directory" ? end + record.write("/", end) : end;
}

function externalAttributes(entry: ArchiveEntry): number {
  const type = { file: TYPE_FILE, directory: TYPE_DIRECTORY, symlink: TYPE_SYMLINK }[entry.kind];
  const dosDirectory = entry.kind === "directory" ? 0x10 : 0;
  return (((type | entry.mode) << 16) | dosDirectory) >>> 0;
}

/** When it was changed, and whose it is. */
function writeMetadata(record: Buffer, at: number, entry: EntryMetadata): number {
  record.writeUInt16LE(EXTRA_TIMESTAMP, at);
  record.writeUInt16LE(5, at + 2);
  record[at + 4] = 1;
  const seconds = Math.floor(entry.mtimeMs / 1000);
  record.writeInt32LE(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, seconds)), at + 5);
  record.writeUInt16LE(EXTRA_UNIX_OWNER, at + 9);
  record.writeUInt16LE(11, at + 11);
  record[at + 13] = 1;
  record[at + 14] = 4;
  record.writeUInt32LE(entry.uid >>> 0, at + 15);
  record[at + 19] = 4;
  record.writeUInt32LE(entry.gid >>> 0, at + 20);
  return at + 24;
}

function writeZip64(record: Buffer, at: number, values: readonly number[]): number {
  return writeExtra(record, at, EXTRA_ZIP64, uint64s(values));
}

function writeExtra(record: Buffer, at: number, id: number, data: Uint8Array): number {
  record.writeUInt16LE(id, at);
  record.writeUInt16LE(data.length, at + 2);
  record.set(data, at + 4);
  return at + 4 + data.length;
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
