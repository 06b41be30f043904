/** Extracts zstd-compressed tar archives in one pass. */

import { closeSync, createReadStream, rmSync } from "node:fs";
import { createZstdDecompress } from "node:zlib";
import { messageOf } from "../errors.ts";
import { ByteReader } from "./byte_reader.ts";
import { decoded } from "./decoded.ts";
import { Destination } from "./destination.ts";
import { ArchiveError } from "./entry.ts";
import type { ExtractOptions } from "./extract_options.ts";
import { decodePax, decodeTarHeader, TAR_BLOCK, type TarHeader } from "./tar_header.ts";
import { writeAll } from "./write_all.ts";

/** Names and pax records of an entry; more than this is an attack on memory. */
const LONGEST_EXTENSION = 1 << 20;

/**
 * Throws ArchiveError when the archive is damaged or cut off; what came before that stays.
 */
export async function extractTarZstd(options: ExtractOptions): Promise<void> {
  const { onProblem, signal } = options;
  const source = createReadStream(options.archive, { highWaterMark: 1 << 20, signal });
  const decoder = createZstdDecompress({ chunkSize: 1 << 20 });
  const destination = new Destination(options.destination);
  await using reader = new ByteReader(decoded(source, decoder));
  try {
    for await (const header of readHeaders(reader)) {
      signal.throwIfAborted();
      await extractEntry(header, reader, { destination, onProblem });
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ArchiveError
      ? error
      : new ArchiveError(`Cannot read the archive: ${messageOf(error)}`, { cause: error });
  } finally {
    destination.finish((name, error) => onProblem(name, messageOf(error)));
  }
}

/** Headers with their extensions applied. The consumer reads or skips the content of each. */
async function* readHeaders(reader: ByteReader): AsyncGenerator<TarHeader> {
  let changes: Partial<TarHeader> = {};
  for (;;) {
    const header = decodeTarHeader(await reader.exactly(TAR_BLOCK));
    if (header === undefined) return;
    switch (header.type) {
      case "pax":
        changes = { ...changes, ...paxChanges(decodePax(await extension(header, reader))) };
        break;
      case "gnu-name":
        changes = { ...changes, name: trimNul(await extension(header, reader)) };
        break;
      case "gnu-link":
        changes = { ...changes, link: trimNul(await extension(header, reader)) };
        break;
      default:
        yield { ...header, ...changes };
        changes = {};
    }
  }
}

async function extension(header: TarHeader, reader: ByteReader): Promise<Buffer> {
  if (header.size > LONGEST_EXTENSION) throw new ArchiveError("Header of an entry is too large");
  const body = await reader.exactly(header.size);
  await reader.skip(paddingOf(header.size));
  return body;
}

function paxChanges(records: ReadonlyMap<string, string>): Partial<TarHeader> {
  const changes: { -readonly [Key in keyof TarHeader]?: TarHeader[Key] } = {};
  const name = records.get("path");
  const link = records.get("linkpath");
  if (name !== undefined) changes.name = name;
  if (link !== undefined) changes.link = link;
  for (const key of ["size", "uid", "gid"] as const) {
    const value = records.get(key);
    if (value === undefined) continue;
    if (!/^\d{1,15}$/.test(value)) throw new ArchiveError(`Damaged ${key} in a pax header`);
    changes[key] = Number(value);
  }
  const mtime = Number(records.get("mtime") ?? Number.NaN);
  if (Number.isFinite(mtime)) changes.mtimeMs = mtime * 1000;
  return changes;
}

interface Target {
  readonly destination: Destination;
  readonly onProblem: ExtractOptions["onProblem"];
}

async function extractEntry(
  header: TarHeader,
  reader: ByteReader,
  { destination, onProblem }: Target,
): Promise<void> {
  const metadata = { ...header, owner: { uid: header.uid, gid: header.gid } };
  const refuse = (error: unknown) => onProblem(header.name, messageOf(error));
  try {
    switch (header.type) {
      case "file":
        return await extractFile(header, reader, { destination, onProblem });
      case "directory":
        destination.createDirectory(header.name, metadata);
        break;
      case "symlink":
        destination.addLink(header.name, header.link, metadata);
        break;
      case "hardlink":
        throw new ArchiveError("Hard links are not extracted");
      default:
        throw new ArchiveError("Neither a file, a directory nor a link");
    }
  } catch (error) {
    refuse(error);
  }
  const content = header.type === "other" ? header.size : 0;
  await reader.skip(content + paddingOf(content));
}

/** A problem with the file is reported and its content passed over; one with the archive throws. */
async function extractFile(
  header: TarHeader,
  reader: ByteReader,
  { destination, onProblem }: Target,
): Promise<void> {
  const owner = { uid: header.uid, gid: header.gid };
  let left = header.size;
  let created: ReturnType<Destination["createFile"]> | undefined;
  let complete = false;
  try {
    created = attemptFile(
      () => destination.createFile(header.name, header.mode),
      header,
      onProblem,
    );
    while (left > 0) {
      const chunk = await reader.some(left);
      left -= chunk.length;
      if (created !== undefined) writeAll(created.fd, chunk);
    }
    await reader.skip(paddingOf(header.size));
    if (created !== undefined) destination.finishFile(created.fd, { ...header, owner });
    complete = true;
  } finally {
    if (created !== undefined) closeSync(created.fd);
    if (created !== undefined && !complete) rmSync(created.path, { force: true });
  }
}

function attemptFile<T>(
  create: () => T,
  header: TarHeader,
  onProblem: ExtractOptions["onProblem"],
): T | undefined {
  try {
    return create();
  } catch (error) {
    onProblem(header.name, messageOf(error));
    return undefined;
  }
}

function paddingOf(size: number): number {
  return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

function trimNul(text: Buffer): string {
  const end = text.indexOf(0);
  return text.toString("utf8", 0, end < 0 ? text.length : end);
}
