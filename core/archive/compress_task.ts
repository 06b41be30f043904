/** One piece of compression work: reads files and compresses them. Runs inline or in a worker. */

import { closeSync, constants, openSync } from "node:fs";
import { constants as zlib, crc32, deflateRawSync, zstdCompressSync } from "node:zlib";
import { readAt } from "./read_at.ts";

/** Part of a file; each compresses without its neighbours. `whole`: the piece is all of it. */
export interface FilePiece {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly last: boolean;
  readonly whole: boolean;
}

/** Part of a tar stream: the next bytes of its task, or a file's padded with zeros to `length`. */
export type TarPart =
  | { readonly kind: "bytes"; readonly length: number }
  | {
    readonly kind: "file";
    readonly path: string;
    readonly offset: number;
    readonly length: number;
  };

export type CompressTask =
  /** `raw`: the pieces must be deflate streams even where storing would be smaller (gzip). */
  | {
    readonly kind: "deflate";
    readonly wholeLevel: number;
    readonly blockLevel: number;
    readonly raw: boolean;
    readonly pieces: readonly FilePiece[];
  }
  | { readonly kind: "zstd"; readonly level: number; readonly pieces: readonly FilePiece[] }
  /** All parts together become one zstd frame. */
  | {
    readonly kind: "tar-frame";
    readonly level: number;
    readonly parts: readonly TarPart[];
    /** Those of all parts that are bytes, together. */
    readonly bytes: Uint8Array;
  };

/** Methods as zip numbers them. */
export const METHOD_STORE = 0;
export const METHOD_DEFLATE = 8;
export const METHOD_ZSTD = 93;

export interface PieceResult {
  readonly method: number;
  readonly crc: number;
  readonly rawSize: number;
  readonly size: number;
  /** The piece could not be read; its sizes are 0. */
  readonly problem?: string;
}

/** `bytes` holds the pieces' output one after the other. */
export interface CompressResult {
  readonly bytes: Uint8Array;
  readonly pieces: readonly PieceResult[];
}

/** Does the work. A file that cannot be read is a `problem`, except in a tar frame: that throws. */
export function runCompressTask(task: CompressTask): CompressResult {
  if (task.kind === "tar-frame") {
    return { bytes: zstd(readTarParts(task), task.level), pieces: [] };
  }
  const outputs: Uint8Array[] = [];
  const pieces: PieceResult[] = [];
  for (const piece of task.pieces) {
    const { output, result } = compressPiece(task, piece);
    outputs.push(output);
    pieces.push(result);
  }
  return { bytes: outputs.length === 1 ? outputs[0]! : Buffer.concat(outputs), pieces };
}

const NOTHING = new Uint8Array(0);

function compressPiece(
  task: Exclude<CompressTask, { kind: "tar-frame" }>,
  piece: FilePiece,
): { output: Uint8Array; result: PieceResult } {
  let data: Uint8Array;
  try {
    const room = Buffer.allocUnsafe(piece.length);
    data = room.subarray(0, readInto(room, piece.path, piece.offset));
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return {
      output: NOTHING,
      result: { method: METHOD_STORE, crc: 0, rawSize: 0, size: 0, problem },
    };
  }
  const { output, method } = task.kind === "zstd"
    ? compressZstd(data, piece, task.level)
    : compressDeflate(data, piece, task);
  const result = { method, crc: crc32(data), rawSize: data.length, size: output.length };
  return { output, result };
}

function compressZstd(data: Uint8Array, piece: FilePiece, level: number) {
  const output = zstd(data, level);
  if (piece.whole && output.length >= data.length) return { output: data, method: METHOD_STORE };
  return { output, method: METHOD_ZSTD };
}

function compressDeflate(
  data: Uint8Array,
  piece: FilePiece,
  task: Extract<CompressTask, { kind: "deflate" }>,
): { output: Uint8Array; method: number } {
  const level = piece.whole ? task.wholeLevel : task.blockLevel;
  const worthwhile = level > 0 && data.length > 0 && !looksIncompressible(data);
  if (piece.whole && worthwhile) {
    const output = Bun.deflateSync(data as Uint8Array<ArrayBuffer>, {
      library: "libdeflate",
      level: level as 1,
    });
    if (task.raw || output.length < data.length) return { output, method: METHOD_DEFLATE };
  }
  if (piece.whole && !task.raw) return { output: data, method: METHOD_STORE };
  if (!worthwhile) return { output: storedBlocks(data, piece.last), method: METHOD_DEFLATE };
  const output = deflateRawSync(data, {
    level,
    chunkSize: Math.max(1024, data.length + (data.length >> 3)),
    finishFlush: piece.last ? zlib.Z_FINISH : zlib.Z_SYNC_FLUSH,
  });
  return { output, method: METHOD_DEFLATE };
}

const SAMPLE_SIZE = 4096;
/** Odd, so that what changes every so many kilobytes is met on both its sides. */
const SAMPLES = 7;

/** Tries samples from all over, so that media and archives do not cost a full compression. */
function looksIncompressible(data: Uint8Array): boolean {
  const sample = new Uint8Array(SAMPLES * SAMPLE_SIZE);
  if (data.length < 4 * sample.length) return false;
  for (let index = 0; index < SAMPLES; index++) {
    const start = Math.floor((index + 0.5) * data.length / SAMPLES);
    sample.set(data.subarray(start, start + SAMPLE_SIZE), index * SAMPLE_SIZE);
  }
  const packed = Bun.deflateSync(sample, { library: "libdeflate", level: 1 });
  return packed.length > sample.length * 0.98;
}

const STORED_BLOCK_SIZE = 65_535;

/** `data` as deflate's own uncompressed blocks, so that it can stand between compressed ones. */
function storedBlocks(data: Uint8Array, last: boolean): Uint8Array {
  const count = Math.ceil(data.length / STORED_BLOCK_SIZE) || (last ? 1 : 0);
  const out = Buffer.allocUnsafe(data.length + 5 * count);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const block = data.subarray(index * STORED_BLOCK_SIZE, (index + 1) * STORED_BLOCK_SIZE);
    out[at] = last && index === count - 1 ? 1 : 0;
    out.writeUInt16LE(block.length, at + 1);
    out.writeUInt16LE(~block.length & 0xffff, at + 3);
    out.set(block, at + 5);
    at += 5 + block.length;
  }
  return out;
}

function readTarParts({ parts, bytes }: Extract<CompressTask, { kind: "tar-frame" }>): Uint8Array {
  const frame = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  let from = 0;
  for (const part of parts) {
    const room = frame.subarray(at, at += part.length);
    if (part.kind === "bytes") room.set(bytes.subarray(from, from += part.length));
    // The header with the size is already out: a file that shrank meanwhile is filled up.
    else room.fill(0, readInto(room, part.path, part.offset));
  }
  return frame;
}

function zstd(data: Uint8Array, level: number): Uint8Array {
  return zstdCompressSync(data, { params: { [zlib.ZSTD_c_compressionLevel]: level } });
}

/** A file that has become a link is not followed, and one that has become a pipe not waited for. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Fills `buffer` as far as the file goes; returns how far. A link in place of the file is an error. */
function readInto(buffer: Uint8Array, path: string, offset: number): number {
  const fd = openSync(path, READ);
  try {
    return readAt(fd, buffer, offset);
  } finally {
    closeSync(fd);
  }
}
