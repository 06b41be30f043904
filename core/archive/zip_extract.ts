/** Extracts zip archives: stored, deflated and zstd entries, each within its declared size. */

import { closeSync, rmSync } from "node:fs";
import type { Transform } from "node:stream";
import {
  crc32,
  createInflateRaw,
  createZstdDecompress,
  inflateRawSync,
  zstdDecompressSync,
} from "node:zlib";
import { messageOf } from "../errors.ts";
import { METHOD_DEFLATE, METHOD_STORE, METHOD_ZSTD } from "./compress_task.ts";
import { decoded } from "./decoded.ts";
import { Destination } from "./destination.ts";
import { ArchiveError } from "./entry.ts";
import type { ExtractOptions } from "./extract_options.ts";
import { WindowedFile } from "./windowed_file.ts";
import { writeAll } from "./write_all.ts";
import { BlockExtractor } from "./zip_blocks.ts";
import { readZipDirectory, type ZipEntry } from "./zip_directory.ts";
import { LOCAL_SIGNATURE } from "./zip_records.ts";

/** Throws ArchiveError when the archive cannot be read at all. */
export async function extractZip(options: ExtractOptions): Promise<void> {
  const { onProblem, signal } = options;
  using file = new WindowedFile(options.archive);
  const destination = new Destination(options.destination);
  using blocks = new BlockExtractor();
  for (const entry of readZipDirectory(file)) {
    signal.throwIfAborted();
    try {
      await extractEntry(entry, { file, destination, blocks });
    } catch (error) {
      onProblem(entry.name, messageOf(error));
    }
  }
  destination.finish((name, error) => onProblem(name, messageOf(error)));
}

interface Extraction {
  readonly file: WindowedFile;
  readonly destination: Destination;
  readonly blocks: BlockExtractor;
}

async function extractEntry(entry: ZipEntry, extraction: Extraction): Promise<void> {
  const { file, destination } = extraction;
  switch (entry.kind) {
    case "directory":
      return destination.createDirectory(entry.name, entry);
    case "symlink":
      return destination.addLink(entry.name, readTarget(entry, file), entry);
    case "file":
      return await extractFile(entry, extraction);
    case "special":
      throw new ArchiveError("Neither a file, a directory nor a link");
  }
}

const LONGEST_TARGET = 4096;

function readTarget(entry: ZipEntry, file: WindowedFile): string {
  if (entry.rawSize > LONGEST_TARGET || entry.size > LONGEST_TARGET) {
    throw new ArchiveError("Target of the link is too long");
  }
  return decompress(entry, file.read(dataOffset(entry, file), entry.size)).toString("utf8");
}

/** Entries up to here are decompressed in one call; larger ones as streams. */
const SMALL_SIZE = 1 << 20;

async function extractFile(entry: ZipEntry, extraction: Extraction): Promise<void> {
  const { file, destination } = extraction;
  checkReadable(entry);
  const start = dataOffset(entry, file);
  const isSmall = entry.size <= SMALL_SIZE && entry.rawSize <= SMALL_SIZE;
  const whole = isSmall ? decompress(entry, file.read(start, entry.size)) : undefined;
  const { fd, path } = destination.createFile(entry.name, entry.mode);
  try {
    if (whole !== undefined) writeAll(fd, whole);
    else await writeLarge(entry, extraction, { fd, start });
    destination.finishFile(fd, entry);
  } catch (error) {
    // Half a file is worse than none: a job would take it for the whole.
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

function checkReadable(entry: ZipEntry): void {
  if (entry.encrypted) throw new ArchiveError("Entry is encrypted");
  if (![METHOD_STORE, METHOD_DEFLATE, METHOD_ZSTD].includes(entry.method)) {
    throw new ArchiveError(`Compression method ${entry.method} is not supported`);
  }
}

const LOCAL_HEADER_SIZE = 30;

function dataOffset(entry: ZipEntry, file: WindowedFile): number {
  const header = file.read(entry.offset, LOCAL_HEADER_SIZE);
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) throw new ArchiveError("Entry has no header");
  return entry.offset + LOCAL_HEADER_SIZE + header.readUInt16LE(26) + header.readUInt16LE(28);
}

function decompress(entry: ZipEntry, data: Buffer): Buffer {
  checkReadable(entry);
  const content = decompressed(entry, data);
  if (content.length !== entry.rawSize) throw sizeError(entry);
  if (crc32(content) !== entry.crc) throw new ArchiveError("Checksum does not match");
  return content;
}

function decompressed({ method, rawSize }: ZipEntry, data: Buffer): Buffer {
  if (method === METHOD_STORE) return data;
  // One byte more than declared is enough to see that there is more.
  const limits = { maxOutputLength: rawSize + 1, chunkSize: Math.max(64, rawSize + 1) };
  return method === METHOD_DEFLATE
    ? inflateRawSync(data, limits)
    : zstdDecompressSync(data, limits);
}

function sizeError(entry: ZipEntry): ArchiveError {
  return new ArchiveError(`Content is not of the declared size of ${entry.rawSize} bytes`);
}

interface Place {
  /** Of the new file. */
  readonly fd: number;
  /** Where the data begin in the archive. */
  readonly start: number;
}

async function writeLarge(
  entry: ZipEntry,
  { file, blocks }: Extraction,
  place: Place,
): Promise<void> {
  const table = blocks.tableOf(entry);
  const crc = table === undefined
    ? await writeStream(entry, file, place)
    : await blocks.extract(entry, table, { from: file.fd, start: place.start, to: place.fd });
  if (crc !== entry.crc) throw new ArchiveError("Checksum does not match");
}

/** The checksum of what was written. */
async function writeStream(
  entry: ZipEntry,
  file: WindowedFile,
  { fd, start }: Place,
): Promise<number> {
  let crc = 0;
  let written = 0;
  for await (const chunk of contentChunks(entry, file, start)) {
    written += chunk.length;
    if (written > entry.rawSize) throw sizeError(entry);
    crc = crc32(chunk, crc);
    writeAll(fd, chunk);
  }
  if (written !== entry.rawSize) throw sizeError(entry);
  return crc;
}

function contentChunks(
  entry: ZipEntry,
  file: WindowedFile,
  start: number,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  const { size, method } = entry;
  if (method === METHOD_STORE) return rawChunks(file, start, size);
  // A second chunk is made while the first is written.
  const sizes = { chunkSize: CHUNK_SIZE, readableHighWaterMark: 2 * CHUNK_SIZE };
  const decoder: Transform = method === METHOD_DEFLATE
    ? createInflateRaw(sizes)
    : createZstdDecompress(sizes);
  return decoded(copies(rawChunks(file, start, size)), decoder);
}

const CHUNK_SIZE = 1 << 20;

function* rawChunks(file: WindowedFile, start: number, size: number): Generator<Buffer> {
  for (let at = 0; at < size; at += CHUNK_SIZE) {
    yield file.read(start + at, Math.min(CHUNK_SIZE, size - at));
  }
}

/** The decoder holds a chunk while the window moves on. */
function* copies(chunks: Iterable<Buffer>): Generator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}
