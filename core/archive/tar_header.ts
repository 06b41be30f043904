/** Tar headers (POSIX ustar and pax): written for what ustar cannot hold, read leniently. */

import { type ArchiveEntry, ArchiveError } from "./entry.ts";

export const TAR_BLOCK = 512;

export type TarType =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "pax"
  | "gnu-name"
  | "gnu-link"
  | "other";

/** One header as it stands, before extended headers are applied. */
export interface TarHeader {
  readonly type: TarType;
  readonly name: string;
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeMs: number;
}

const LARGEST_OCTAL_SIZE = 0o77777777777;
const LARGEST_OCTAL_ID = 0o7777777;

/** The entry's header, preceded by a pax header where needed. */
export function encodeTarHeader(entry: ArchiveEntry): Buffer {
  const name = entry.kind === "directory" ? `${entry.path}/` : entry.path;
  const size = entry.kind === "file" ? entry.size : 0;
  const link = entry.kind === "symlink" ? entry.target : "";
  const extended: Record<string, string> = {};
  if (!fitsField(name, 100)) extended["path"] = name;
  if (!fitsField(link, 100)) extended["linkpath"] = link;
  if (size > LARGEST_OCTAL_SIZE) extended["size"] = String(size);
  if (entry.uid > LARGEST_OCTAL_ID) extended["uid"] = String(entry.uid);
  if (entry.gid > LARGEST_OCTAL_ID) extended["gid"] = String(entry.gid);
  if (!Number.isInteger(entry.mtimeMs / 1000) || entry.mtimeMs < 0) {
    extended["mtime"] = (entry.mtimeMs / 1000).toFixed(6);
  }
  const flag = { file: "0", directory: "5", symlink: "2" }[entry.kind];
  const header = ustar({ ...entry, name, link, size, flag });
  return Object.keys(extended).length === 0
    ? header
    : Buffer.concat([encodePax(extended, entry), header]);
}

/** Zeros that fill content of `size` bytes up to a whole block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

function fitsField(text: string, length: number): boolean {
  return Buffer.byteLength(text) <= length && /^[\x01-\x7f]*$/.test(text);
}

interface UstarFields {
  readonly name: string;
  readonly link: string;
  readonly size: number;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
}

function ustar(fields: UstarFields): Buffer {
  const header = Buffer.alloc(TAR_BLOCK);
  header.write(fields.name, 0, 100);
  octal(header, 100, 8, fields.mode & 0o7777);
  octal(header, 108, 8, Math.min(fields.uid, LARGEST_OCTAL_ID));
  octal(header, 116, 8, Math.min(fields.gid, LARGEST_OCTAL_ID));
  octal(header, 124, 12, Math.min(fields.size, LARGEST_OCTAL_SIZE));
  octal(header, 136, 12, Math.max(0, Math.floor(fields.mtimeMs / 1000)));
  header.write("        ", 148);
  header.write(fields.flag, 156);
  header.write(fields.link, 157, 100);
  header.write("ustar\x0000", 257);
  octal(header, 148, 7, header.reduce((sum, byte) => sum + byte, 0));
  return header;
}

function octal(header: Buffer, at: number, width: number, value: number): void {
  header.write(value.toString(8).padStart(width - 1, "0") + "\0", at);
}

function encodePax(records: Readonly<Record<string, string>>, entry: ArchiveEntry): Buffer {
  const body = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)));
  const header = ustar({
    ...entry,
    mode: 0o644,
    name: "PaxHeaders.0/entry",
    link: "",
    size: body.length,
    flag: "x",
  });
  return Buffer.concat([header, body, tarPadding(body.length)]);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  const size = Buffer.byteLength(rest);
  let digits = String(size).length;
  while (String(size + digits).length !== digits) digits++;
  return Buffer.from(`${size + digits}${rest}`);
}

const TYPES: Readonly<Record<string, TarType>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "directory",
  "x": "pax",
  "L": "gnu-name",
  "K": "gnu-link",
};

/** Undefined for the block of zeros that ends an archive. */
export function decodeTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  checkSum(block);
  const isUstar = block.toString("latin1", 257, 262) === "ustar";
  const prefix = isUstar && block[262] === 0 ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  return {
    type: TYPES[String.fromCharCode(block[156] ?? 0)] ?? "other",
    name: prefix === "" ? name : `${prefix}/${name}`,
    link: text(block, 157, 100),
    mode: number(block, 100, 8),
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
    mtimeMs: number(block, 136, 12) * 1000,
  };
}

function checkSum(block: Buffer): void {
  let sum = 0;
  for (let at = 0; at < TAR_BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : block[at]!;
  if (sum !== number(block, 148, 8)) throw new ArchiveError("Damaged tar header");
}

function text(block: Buffer, at: number, width: number): string {
  const end = block.indexOf(0, at);
  return block.toString("utf8", at, end < 0 || end > at + width ? at + width : end);
}

/** Octal digits, or GNU's base 256 for what they cannot hold. */
function number(block: Buffer, at: number, width: number): number {
  if ((block[at]! & 0x80) !== 0) {
    let value = block[at]! & 0x7f;
    for (let next = at + 1; next < at + width; next++) value = value * 256 + block[next]!;
    if (!Number.isSafeInteger(value)) throw new ArchiveError("Number out of range in a tar header");
    return value;
  }
  const digits = block.toString("latin1", at, at + width).replace(/[\0 ]+$/, "").trimStart();
  if (!/^[0-7]*$/.test(digits)) throw new ArchiveError("Damaged number in a tar header");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** The records of a pax header; stops at the first that is damaged. */
export function decodePax(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(body.toString("latin1", at, space));
    if (!Number.isInteger(length) || length < space - at + 3 || at + length > body.length) break;
    const record = body.toString("utf8", space + 1, at + length - 1);
    const equals = record.indexOf("=");
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}
