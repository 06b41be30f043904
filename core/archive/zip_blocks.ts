/** Extracts large zip entries block by block, on several cores. */

import { availableParallelism } from "node:os";
import type { BlockTable } from "./block_table.ts";
import { METHOD_STORE } from "./compress_task.ts";
import { combineCrc32 } from "./crc32.ts";
import type { InflateTask } from "./inflate_task.ts";
import { startWorkers, type Workers } from "./workers.ts";
import type { ZipEntry } from "./zip_directory.ts";

/** With fewer blocks, one core is done before another could have started. */
const MIN_BLOCKS = 8;

/** Where an entry's data begin in the archive, and the empty file that gets their content. */
export interface BlockFiles {
  readonly from: number;
  readonly start: number;
  readonly to: number;
}

/** Starts its workers when the first large entry comes. */
export class BlockExtractor implements Disposable {
  #workers: Workers | undefined;

  /** The table to extract the entry by; undefined when one core alone is as fast. */
  tableOf({ blocks, method }: ZipEntry): BlockTable | undefined {
    if (method === METHOD_STORE || availableParallelism() < 2) return undefined;
    return blocks !== undefined && blocks.sizes.length >= MIN_BLOCKS ? blocks : undefined;
  }

  /** The checksum of the content that was written. Throws ArchiveError for a damaged block. */
  async extract(entry: ZipEntry, table: BlockTable, files: BlockFiles): Promise<number> {
    const workers = this.#workers ??= await startWorkers();
    const tasks = [...blockTasks(entry, table, files)];
    // All of them end before the files may be closed, also when one has failed.
    const results = await Promise.allSettled(tasks.map((task) => workers.run(task)));
    return results.reduce((crc, result, index) => {
      if (result.status === "rejected") throw result.reason;
      return combineCrc32(crc, result.value.crc, tasks[index]!.rawSize);
    }, 0);
  }

  [Symbol.dispose](): void {
    this.#workers?.[Symbol.dispose]();
  }
}

function* blockTasks(
  { method, rawSize }: ZipEntry,
  { rawBlockSize, sizes }: BlockTable,
  { from, start, to }: BlockFiles,
): Generator<InflateTask> {
  let offset = start;
  let rawOffset = 0;
  for (const size of sizes) {
    const rest = Math.min(rawBlockSize, rawSize - rawOffset);
    yield { kind: "inflate", method, from, offset, size, to, rawOffset, rawSize: rest };
    offset += size;
    rawOffset += rest;
  }
}
