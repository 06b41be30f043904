/** Cache archives on this machine: written whole or not at all, whoever reads or writes beside us. */

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Entries } from "../archive/entry_list.ts";
import { writeAll } from "../archive/write_all.ts";
import { codeOf } from "../errors.ts";

/** A new file beside `destination`, which gets its name when it is whole. */
export interface PendingFile extends Disposable {
  readonly path: string;
  readonly fd: number;
  /** Closes it and puts it in place of what was there. Without it, disposing removes the file. */
  commit(): void;
}

/** Opens `archive_<random>` in the destination's directory, which is created. */
export function openPendingFile(destination: string): PendingFile {
  const directory = dirname(destination);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  removeAbandoned(directory);
  const path = join(directory, `archive_${randomBytes(8).toString("hex")}`);
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  let open = true;
  return {
    path,
    fd,
    commit() {
      open = false;
      closeSync(fd);
      try {
        renameSync(path, destination);
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      }
    },
    [Symbol.dispose]() {
      if (!open) return;
      closeSync(fd);
      rmSync(path, { force: true });
    },
  };
}

/** Who has written nothing for so long was killed before it could remove its file. */
const ABANDONED_MS = 3_600_000;

function removeAbandoned(directory: string): void {
  const since = Date.now() - ABANDONED_MS;
  for (const name of readdirSync(directory)) {
    if (!/^archive_[0-9a-f]{16}$/.test(name)) continue;
    const path = join(directory, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && found.mtimeMs < since) rmSync(path, { force: true });
  }
}

/** Writes all chunks to the pending file. Resolves with their number of bytes. */
export async function writeChunks(
  file: PendingFile,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  let written = 0;
  for await (const chunk of chunks) {
    writeAll(file.fd, chunk);
    written += chunk.length;
  }
  return written;
}

/** Whether the archive exists and none of the entries is newer than it. */
export function isUpToDate(archive: string, entries: Entries): boolean {
  const found = statSync(archive, { throwIfNoEntry: false });
  return found?.isFile() === true &&
    Iterator.from(entries).every((entry) => entry.mtimeMs <= found.mtimeMs);
}

/** Gives an archive that was saved under an earlier form of its key the name it has now. */
export function adoptAlternate(archive: string, alternate: string): void {
  if (alternate === "" || statSync(archive, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(dirname(archive), { recursive: true, mode: 0o700 });
  try {
    renameSync(alternate, archive);
  } catch (error) {
    // There is none, or another job has taken it a moment ago.
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** Writes `metadata.json` beside the archive; names in lower case, as object storages keep them. */
export async function writeMetadata(
  archive: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const lower = Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]);
  const destination = join(dirname(archive), "metadata.json");
  using file = openPendingFile(destination);
  await writeFile(file.path, JSON.stringify(Object.fromEntries(lower)));
  file.commit();
}
