/** A gzip file of several files, one after the other. */

import { inflateRawSync } from "node:zlib";

const FIXED_HEADER = 10;
/** Checksum and length behind the data. */
const TRAILER = 8;
const FLAGS_AT = 3;
const HAS_CHECKSUM = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;

/** With `info`, which node's types do not know of. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** What each member holds. Throws for what is no gzip file, or holds more than `mostBytes` at once. */
export function gzipMembers(file: Uint8Array, mostBytes: number): readonly Uint8Array[] {
  const members: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    if (file[at] !== 0x1f || file[at + 1] !== 0x8b) throw new Error("not in gzip format");
    const start = at + headerLength(file.subarray(at));
    const options = { info: true, maxOutputLength: mostBytes };
    const inflated: unknown = inflateRawSync(file.subarray(start), options);
    const { buffer, engine } = inflated as Inflated;
    members.push(buffer);
    at = start + engine.bytesWritten + TRAILER;
  }
  return members;
}

function headerLength(member: Uint8Array): number {
  const flags = member[FLAGS_AT] ?? 0;
  let length = FIXED_HEADER;
  if ((flags & HAS_EXTRA) !== 0) {
    length += 2 + (member[length] ?? 0) + 256 * (member[length + 1] ?? 0);
  }
  for (const flag of [HAS_NAME, HAS_COMMENT]) {
    if ((flags & flag) !== 0) length = member.indexOf(0, length) + 1 || member.length;
  }
  return (flags & HAS_CHECKSUM) === 0 ? length : length + 2;
}
