/** Writes zip archives as a stream: nothing is sought back to, memory stays bounded. */

import { crc32 } from "node:zlib";
import { ByteBlocks } from "../util/byte_blocks.ts";
import {
  type CompressResult,
  METHOD_DEFLATE,
  METHOD_STORE,
  METHOD_ZSTD,
  type PieceResult,
} from "./compress_task.ts";
import { combineCrc32 } from "./crc32.ts";
import type { ArchiveEntry, FileEntry } from "./entry.ts";
import type { Entries } from "./entry_list.ts";
import { ArchiveError } from "./entry.ts";
import type { LevelSettings } from "./level.ts";
import { mapAhead } from "./pipeline.ts";
import { BLOCK_SIZE, planWork, type WorkUnit } from "./plan.ts";
import type { Workers } from "./workers.ts";
import {
  appendCentralHeader,
  dataDescriptor,
  endRecords,
  LIMIT_32,
  longestHeader,
  writeLocalHeader,
  type ZipContent,
} from "./zip_records.ts";

export interface ZipOptions {
  readonly root: string;
  /** In the archive's order, except that symbolic links go last. */
  readonly entries: Entries;
  readonly codec: "deflate" | "zstd";
  readonly level: LevelSettings;
  readonly workers: Workers;
  /** Told of a file that could not be read; the archive then lacks it. */
  readonly onProblem: (path: string, problem: string) => void;
}

/** The bytes of the archive. A large file that breaks off in the middle is an ArchiveError. */
export async function* createZip(options: ZipOptions): AsyncGenerator<Uint8Array> {
  const { workers, root } = options;
  const zip = new ZipStream(options);
  const units = planWork(root, linksLast(options.entries));
  const done = mapAhead(units, 2 * workers.width, async (unit) => ({
    unit,
    result: await workers.run(taskOf(unit, options)),
  }));
  for await (const { unit, result } of done) yield zip.unit(unit, result);
  yield* zip.end();
}

/** A reader that creates links as they come must not find files behind them. */
function* linksLast(entries: Entries): Generator<ArchiveEntry> {
  for (const entry of entries) if (entry.kind !== "symlink") yield entry;
  for (const entry of entries) if (entry.kind === "symlink") yield entry;
}

function taskOf({ pieces }: WorkUnit, { codec, level }: ZipOptions) {
  if (codec === "zstd") return { kind: "zstd", level: level.zstd, pieces } as const;
  const { deflateWhole: wholeLevel, deflateBlock: blockLevel } = level;
  return { kind: "deflate", wholeLevel, blockLevel, raw: false, pieces } as const;
}

/** A file of this size may pass 4 GiB when it cannot be compressed. */
const ZIP64_FROM = LIMIT_32 - (64 << 20);

/** What is known of a file whose blocks are being written. */
type OpenFile = ZipContent & { readonly start: number; readonly blockSizes: number[] };

class ZipStream {
  readonly #options: ZipOptions;
  readonly #directory = new ByteBlocks();
  #entries = 0;
  #offset = 0;
  /** The file being written block by block. */
  #open: OpenFile | undefined;

  constructor(options: ZipOptions) {
    this.#options = options;
  }

  unit(unit: WorkUnit, result: CompressResult): Uint8Array {
    if (unit.kind === "batch") return this.#batch(unit.entries, result);
    const parts = this.#block(unit, result);
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  *end(): Generator<Uint8Array> {
    yield* this.#directory;
    yield endRecords(this.#entries, this.#directory.size, this.#offset);
  }

  #batch(entries: readonly ArchiveEntry[], { bytes, pieces }: CompressResult): Uint8Array {
    const most = entries.reduce((sum, entry) => sum + longestHeader(entry) + ownBytes(entry), 0);
    const out = Buffer.allocUnsafe(most + bytes.length);
    let end = 0;
    let piece = 0;
    let from = 0;
    for (const entry of entries) {
      if (entry.kind !== "file") {
        end = this.#whole(entry, bytelessContent(entry), { out, at: end });
        continue;
      }
      const result = pieces[piece++]!;
      const data = bytes.subarray(from, from += result.size);
      if (result.problem === undefined) {
        end = this.#whole(entry, { content: contentOf(result), data }, { out, at: end });
      } else this.#options.onProblem(entry.path, result.problem);
    }
    return out.subarray(0, end);
  }

  /** Writes an entry with its content; returns where it ends. */
  #whole(
    entry: ArchiveEntry,
    { content, data }: { content: ZipContent; data: Uint8Array },
    { out, at }: { out: Buffer; at: number },
  ): number {
    this.#list(entry, content, this.#offset);
    const dataAt = writeLocalHeader(out, at, entry, content);
    out.set(data, dataAt);
    const end = dataAt + data.length;
    this.#offset += end - at;
    return end;
  }

  #list(entry: ArchiveEntry, content: ZipContent, offset: number): void {
    this.#entries++;
    appendCentralHeader(this.#directory, entry, content, offset);
  }

  #block(unit: Extract<WorkUnit, { kind: "block" }>, result: CompressResult): Uint8Array[] {
    const piece = result.pieces[0]!;
    const parts: Uint8Array[] = [];
    if (piece.problem !== undefined) return this.#brokenBlock(unit, piece.problem);
    if (unit.first) parts.push(this.#beginFile(unit.entry));
    const open = this.#open;
    // Without its first block a file is not in the archive.
    if (open === undefined) return parts;
    parts.push(result.bytes);
    this.#offset += result.bytes.length;
    open.blockSizes.push(piece.size);
    this.#open = {
      ...open,
      crc: combineCrc32(open.crc, piece.crc, piece.rawSize),
      size: open.size + piece.size,
      rawSize: open.rawSize + piece.rawSize,
    };
    if (unit.last) parts.push(this.#endFile(unit.entry, this.#open));
    return parts;
  }

  #brokenBlock(unit: { readonly entry: FileEntry; readonly first: boolean }, problem: string) {
    if (!unit.first && this.#open !== undefined) {
      throw new ArchiveError(`Cannot archive "${unit.entry.path}": ${problem}`);
    }
    if (unit.first) this.#options.onProblem(unit.entry.path, problem);
    return [];
  }

  #beginFile(entry: FileEntry): Buffer {
    const method = this.#options.codec === "zstd" ? METHOD_ZSTD : METHOD_DEFLATE;
    const zip64 = entry.size >= ZIP64_FROM;
    const content = { method, crc: 0, size: 0, rawSize: 0, streamed: true, zip64 };
    this.#open = { ...content, start: this.#offset, blockSizes: [] };
    const room = Buffer.allocUnsafe(longestHeader(entry));
    const header = room.subarray(0, writeLocalHeader(room, 0, entry, content));
    this.#offset += header.length;
    return header;
  }

  #endFile(entry: FileEntry, file: OpenFile): Buffer {
    const content = { ...file, blocks: { rawBlockSize: BLOCK_SIZE, sizes: file.blockSizes } };
    this.#list(entry, content, file.start);
    this.#open = undefined;
    const descriptor = dataDescriptor(content);
    this.#offset += descriptor.length;
    return descriptor;
  }
}

/** What an entry without a file's content has in place of it. Bytes, at most. */
function ownBytes(entry: ArchiveEntry): number {
  return entry.kind === "symlink" ? 3 * entry.target.length : 0;
}

function contentOf(piece: PieceResult): ZipContent {
  const { method, crc, size, rawSize } = piece;
  return { method, crc, size, rawSize, streamed: false, zip64: false };
}

function bytelessContent(entry: ArchiveEntry): { content: ZipContent; data: Uint8Array } {
  const data = Buffer.from(entry.kind === "symlink" ? entry.target : "");
  const sizes = { size: data.length, rawSize: data.length };
  return {
    content: { method: METHOD_STORE, crc: crc32(data), ...sizes, streamed: false, zip64: false },
    data,
  };
}
