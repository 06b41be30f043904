/** Cuts entries into compression tasks: many small files together, large ones block by block. */

import { join } from "node:path";
import type { FilePiece } from "./compress_task.ts";
import type { ArchiveEntry, FileEntry } from "./entry.ts";

/** A larger file is compressed in blocks of this size, each on another core. */
export const BLOCK_SIZE = 1 << 20;
/** A batch ends when its files reach this many bytes or entries. */
const BATCH_BYTES = 2 << 20;
const BATCH_ENTRIES = 256;

export type WorkUnit =
  /** Entries without content, and small files; `pieces` are the files' in their order. */
  | {
    readonly kind: "batch";
    readonly entries: readonly ArchiveEntry[];
    readonly pieces: readonly FilePiece[];
  }
  | {
    readonly kind: "block";
    readonly entry: FileEntry;
    readonly pieces: readonly [FilePiece];
    readonly first: boolean;
    readonly last: boolean;
  };

/** Units in the entries' order. */
export function* planWork(root: string, entries: Iterable<ArchiveEntry>): Generator<WorkUnit> {
  let batch: ArchiveEntry[] = [];
  let pieces: FilePiece[] = [];
  let bytes = 0;
  const take = (): WorkUnit => {
    const unit: WorkUnit = { kind: "batch", entries: batch, pieces };
    batch = [];
    pieces = [];
    bytes = 0;
    return unit;
  };
  for (const entry of entries) {
    if (entry.kind === "file" && entry.size > BLOCK_SIZE) {
      if (batch.length > 0) yield take();
      yield* blocks(root, entry);
      continue;
    }
    batch.push(entry);
    if (entry.kind === "file") {
      bytes += entry.size;
      const path = join(root, entry.path);
      pieces.push({ path, offset: 0, length: entry.size, last: true, whole: true });
    }
    if (bytes >= BATCH_BYTES || batch.length >= BATCH_ENTRIES) yield take();
  }
  if (batch.length > 0) yield take();
}

function* blocks(root: string, entry: FileEntry): Generator<WorkUnit> {
  const path = join(root, entry.path);
  for (let offset = 0; offset < entry.size; offset += BLOCK_SIZE) {
    const length = Math.min(BLOCK_SIZE, entry.size - offset);
    const last = offset + length === entry.size;
    const piece: FilePiece = { path, offset, length, last, whole: false };
    yield { kind: "block", entry, pieces: [piece], first: offset === 0, last };
  }
}
