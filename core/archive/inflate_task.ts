/** One block of a large zip entry, decompressed from one file into another. Runs in a worker. */

import { constants as zlib, crc32, inflateRawSync, zstdDecompressSync } from "node:zlib";
import { METHOD_DEFLATE } from "./compress_task.ts";
import { ArchiveError } from "./entry.ts";
import { readAt } from "./read_at.ts";
import { writeAll } from "./write_all.ts";

/** Workers share this process's file descriptors: both stay open until the task is done. */
export interface InflateTask {
  readonly kind: "inflate";
  readonly method: number;
  /** The archive, and where in it the block's `size` bytes begin. */
  readonly from: number;
  readonly offset: number;
  readonly size: number;
  /** The file that gets the `rawSize` bytes of content, and where in it they belong. */
  readonly to: number;
  readonly rawOffset: number;
  readonly rawSize: number;
}

/** The checksum of the block's content. */
export interface InflateResult {
  readonly crc: number;
}

/** Throws ArchiveError when the block is not what it is said to be, and what writing throws. */
export function runInflateTask(task: InflateTask): InflateResult {
  const content = inflate(task, readBlock(task));
  if (content.length !== task.rawSize) {
    throw new ArchiveError(`A block is not of its size of ${task.rawSize} bytes`);
  }
  writeAll(task.to, content, task.rawOffset);
  return { crc: crc32(content) };
}

function readBlock({ from, offset, size }: InflateTask): Buffer {
  const block = Buffer.allocUnsafe(size);
  if (readAt(from, block, offset) < size) throw new ArchiveError("The archive is cut off");
  return block;
}

function inflate({ method, rawSize }: InflateTask, block: Buffer): Buffer {
  // One byte more than expected is enough to see that there is more.
  const limits = { maxOutputLength: rawSize + 1, chunkSize: Math.max(64, rawSize + 1) };
  // Only the last block ends its stream.
  return method === METHOD_DEFLATE
    ? inflateRawSync(block, { ...limits, finishFlush: zlib.Z_SYNC_FLUSH })
    : zstdDecompressSync(block, limits);
}
