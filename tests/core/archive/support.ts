/** What the archive tests share: temporary trees, whole archives, and zips written by hand. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { createArchive } from "../../../core/archive/create.ts";
import { extractArchive } from "../../../core/archive/extract.ts";
import { selectFiles } from "../../../core/archive/file_selection.ts";
import type { ArchiveFormat } from "../../../core/archive/format.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../fixtures/temporary_directory.ts";

export interface Scratch extends TemporaryDirectory {
  /** A new directory in it. */
  directory(name: string): string;
}

export function scratch(): Scratch {
  const own = temporaryDirectory();
  return {
    ...own,
    directory(name) {
      const full = join(own.path, name);
      mkdirSync(full, { recursive: true });
      return full;
    },
  };
}

/** Packs all of `root` into `archive`. Resolves with the problems reported. */
export async function pack(
  root: string,
  archive: string,
  options: { format?: ArchiveFormat; level?: string } = {},
): Promise<string[]> {
  const { entries } = await selectFiles({ root, paths: ["."], exclude: [] });
  const problems: string[] = [];
  const file = Bun.file(archive).writer();
  const { format = "zip", level = "default" } = options;
  const onProblem = (path: string, problem: string) => problems.push(`${path}: ${problem}`);
  for await (const chunk of createArchive({ format, root, entries, level, onProblem })) {
    file.write(chunk);
    await file.flush();
  }
  await file.end();
  return problems;
}

/** Extracts `archive` into `destination`. Resolves with the problems reported. */
export async function unpack(archive: string, destination: string): Promise<string[]> {
  const problems: string[] = [];
  const onProblem = (path: string, problem: string) => problems.push(`${path}: ${problem}`);
  const { signal } = new AbortController();
  await extractArchive({ archive, destination, onProblem, signal });
  return problems;
}

export interface RawZipEntry {
  readonly name: string;
  readonly data?: string | Uint8Array;
  /** As stat has it, file type included. */
  readonly mode?: number;
  readonly crc?: number;
  /** The size that the archive states, when it lies. */
  readonly rawSize?: number;
  readonly method?: number;
}

/** A zip file with exactly these entries, sane or not. */
export function rawZip(entries: readonly RawZipEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, data = "", mode = 0o100644, method = 0, ...stated } of entries) {
    const bytes = Buffer.from(data);
    const nameBytes = Buffer.from(name);
    const common = Buffer.alloc(22);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(stated.crc ?? crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(stated.rawSize ?? bytes.length, 18);
    const lengths = Buffer.alloc(4);
    lengths.writeUInt16LE(nameBytes.length, 0);
    const head = Buffer.concat([Buffer.from("PK\x03\x04"), common, lengths, nameBytes, bytes]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(
      Buffer.concat([Buffer.from("PK\x01\x02\x14\x03"), common, lengths, tail, nameBytes]),
    );
    local.push(head);
    offset += head.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}

/** Every path below `root`, directories with a slash at the end. */
export function listTree(root: string): string[] {
  const found = [...new Bun.Glob("**/*").scanSync({
    cwd: root,
    dot: true,
    onlyFiles: false,
    followSymlinks: false,
  })];
  return found.sort();
}

export function writeTree(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}
