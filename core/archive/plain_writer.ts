/** Report formats: gzip (one member per file, one after the other) and raw (one file as it is). */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { combineCrc32 } from "./crc32.ts";
import { ArchiveError, type FileEntry } from "./entry.ts";
import type { Entries } from "./entry_list.ts";
import type { LevelSettings } from "./level.ts";
import { mapAhead } from "./pipeline.ts";
import { planWork } from "./plan.ts";
import type { Workers } from "./workers.ts";

export interface PlainOptions {
  readonly root: string;
  readonly entries: Entries;
}

export interface GzipOptions extends PlainOptions {
  readonly level: LevelSettings;
  readonly workers: Workers;
}

/** The members of all regular files. A file that cannot be read is an ArchiveError. */
export async function* createGzip(options: GzipOptions): AsyncGenerator<Uint8Array> {
  const { root, entries, workers, level } = options;
  for (const entry of entries) {
    if (entry.kind !== "file") continue;
    yield gzipHeader(entry);
    let crc = 0;
    let size = 0;
    const task = {
      kind: "deflate",
      wholeLevel: level.deflateWhole,
      blockLevel: level.deflateBlock,
      raw: true,
    } as const;
    const work = mapAhead(
      planWork(root, [entry]),
      2 * workers.width,
      ({ pieces }) => workers.run({ ...task, pieces }),
    );
    for await (const { bytes, pieces: [piece] } of work) {
      if (piece?.problem !== undefined) {
        throw new ArchiveError(`Cannot archive "${entry.path}": ${piece.problem}`);
      }
      crc = combineCrc32(crc, piece!.crc, piece!.rawSize);
      size += piece!.rawSize;
      yield bytes;
    }
    yield gzipTrailer(crc, size);
  }
}

const FLAG_NAME = 8;
const OS_UNIX = 3;

function gzipHeader(entry: FileEntry): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, FLAG_NAME, 0, 0, 0, 0, 0, OS_UNIX]);
  const seconds = Math.floor(entry.mtimeMs / 1000);
  if (seconds > 0 && seconds < 2 ** 32) head.writeUInt32LE(seconds, 4);
  return Buffer.concat([head, Buffer.from(`${basename(entry.path)}\0`)]);
}

function gzipTrailer(crc: number, size: number): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  return trailer;
}

const READ_SIZE = 1 << 20;

/** The bytes of the only regular file; more or fewer than one are an ArchiveError. */
export async function* createRaw({ root, entries }: PlainOptions): AsyncGenerator<Uint8Array> {
  const files = [...entries].filter((entry) => entry.kind === "file");
  const [only] = files;
  if (only === undefined || files.length > 1) {
    throw new ArchiveError(`Format raw takes exactly one file, not ${files.length}`);
  }
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);
  await using file = await open(join(root, only.path), flags);
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_SIZE), 0, READ_SIZE);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
