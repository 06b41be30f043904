/** Creates an archive of any format as a stream of bytes. */

import type { Entries } from "./entry_list.ts";
import type { ArchiveFormat } from "./format.ts";
import { levelSettings } from "./level.ts";
import { coalesce } from "./pipeline.ts";
import { createGzip, createRaw } from "./plain_writer.ts";
import { createTarZstd } from "./tar_writer.ts";
import { inlineWorkers, startWorkers, type Workers } from "./workers.ts";
import { createZip } from "./zip_writer.ts";

export interface CreateOptions {
  readonly format: ArchiveFormat;
  /** Directory that the entries' paths are relative to. */
  readonly root: string;
  readonly entries: Entries;
  /** `fastest` to `slowest`; anything else is the default. */
  readonly level: string;
  /** Told of an entry that could not be read and is left out. */
  readonly onProblem: (path: string, problem: string) => void;
}

/** Large enough that writing does not cost; what a block of a large file gives is not copied. */
const CHUNK_SIZE = 256 << 10;

/**
 * The archive's bytes in chunks of 256 KiB and more, made while they are consumed; can be called again
 * for another try. Throws ArchiveError when no whole archive can be made.
 */
export async function* createArchive(options: CreateOptions): AsyncGenerator<Uint8Array> {
  using workers = isLarge(options.entries) ? await startWorkers() : inlineWorkers();
  yield* coalesce(createFormat({ ...options, workers }), CHUNK_SIZE);
}

type FormatOptions = CreateOptions & { readonly workers: Workers };

function createFormat(options: FormatOptions): AsyncGenerator<Uint8Array> {
  const level = levelSettings(options.level);
  switch (options.format) {
    case "zip":
      return createZip({ ...options, level, codec: "deflate" });
    case "zipzstd":
      return createZip({ ...options, level, codec: "zstd" });
    case "tarzstd":
      return createTarZstd({ ...options, level });
    case "gzip":
      return createGzip({ ...options, level });
    case "raw":
      return createRaw(options);
  }
}

/** Below this, one core is done before another could have started. */
const LARGE_BYTES = 8 << 20;
const LARGE_COUNT = 2000;

function isLarge(entries: Entries): boolean {
  if (entries.length >= LARGE_COUNT) return true;
  let bytes = 0;
  for (const entry of entries) bytes += entry.kind === "file" ? entry.size : 0;
  return bytes >= LARGE_BYTES;
}
