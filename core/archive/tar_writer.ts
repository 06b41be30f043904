/** Writes tar archives compressed with zstd, one independent frame per few megabytes. */

import { join } from "node:path";
import type { TarPart } from "./compress_task.ts";
import { type ArchiveEntry, readEntry } from "./entry.ts";
import { messageOf } from "../errors.ts";
import type { LevelSettings } from "./level.ts";
import { mapAhead } from "./pipeline.ts";
import { encodeTarHeader, TAR_BLOCK, tarPadding } from "./tar_header.ts";
import type { Workers } from "./workers.ts";

export interface TarOptions {
  readonly root: string;
  readonly entries: readonly ArchiveEntry[];
  readonly level: LevelSettings;
  readonly workers: Workers;
  /** Told of a file that is gone or unreadable; the archive then lacks it. */
  readonly onProblem: (path: string, problem: string) => void;
}

/** Bytes per frame: each is compressed on its own, and longer ones gain little. */
const FRAME_SIZE = 4 << 20;

/** The compressed bytes. A file that cannot be read to its end is an error of the whole archive. */
export async function* createTarZstd(options: TarOptions): AsyncGenerator<Uint8Array> {
  const { workers, level } = options;
  const frames = mapAhead(
    planFrames(options),
    2 * workers.width,
    (parts) => workers.run({ kind: "tar-frame", level: level.zstd, parts }),
  );
  for await (const { bytes } of frames) yield bytes;
}

function* planFrames(options: TarOptions): Generator<TarPart[]> {
  let parts: TarPart[] = [];
  let size = 0;
  for (const part of planParts(options)) {
    parts.push(part);
    size += part.kind === "bytes" ? part.bytes.length : part.length;
    if (size < FRAME_SIZE) continue;
    yield parts;
    parts = [];
    size = 0;
  }
  if (size > 0) yield parts;
}

function* planParts({ root, entries, onProblem }: TarOptions): Generator<TarPart> {
  for (const entry of entries) {
    const current = currentEntry(root, entry, onProblem);
    if (current === undefined) continue;
    yield { kind: "bytes", bytes: encodeTarHeader(current) };
    if (current.kind !== "file") continue;
    const path = join(root, current.path);
    for (let offset = 0; offset < current.size; offset += FRAME_SIZE) {
      yield { kind: "file", path, offset, length: Math.min(FRAME_SIZE, current.size - offset) };
    }
    yield { kind: "bytes", bytes: tarPadding(current.size) };
  }
  yield { kind: "bytes", bytes: Buffer.alloc(2 * TAR_BLOCK) };
}

/** A header cannot be taken back, so the size is asked for again just before it is written. */
function currentEntry(
  root: string,
  entry: ArchiveEntry,
  onProblem: TarOptions["onProblem"],
): ArchiveEntry | undefined {
  try {
    return readEntry(root, entry.path);
  } catch (error) {
    onProblem(entry.path, messageOf(error));
    return undefined;
  }
}
