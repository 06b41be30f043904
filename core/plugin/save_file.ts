/** What most executors do with a file of the host's: keep it in a directory of this machine. */

import { createHash } from "node:crypto";
import { chmod, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { SystemFailure } from "../errors.ts";
import type { HostFile } from "../executor.ts";

/** What `HostFile.read` gives at a time. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Has the file at `path`, executable, when it resolves. A file that is there with the right size is
 * taken as it is: let the name hold `file.sha256`. It gets its name once it is whole and verified, so
 * that jobs may do this at the same time. Throws SystemFailure when the content is not what it should.
 */
export async function saveFile(file: HostFile, path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.size === file.size) return;
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${crypto.randomUUID()}`;
  try {
    await copy(file, partial);
    await chmod(partial, 0o755);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function copy(file: HostFile, path: string): Promise<void> {
  await using target = await open(path, "wx", 0o600);
  const hasher = createHash("sha256");
  for (let offset = 0; offset < file.size;) {
    const bytes = await file.read(offset, PIECE_BYTES);
    if (bytes.length === 0) throw new SystemFailure(`"${file.name}" ends after ${offset} bytes`);
    hasher.update(bytes);
    await target.writeFile(bytes);
    offset += bytes.length;
  }
  if (hasher.digest("hex") === file.sha256) return;
  throw new SystemFailure(`"${file.name}" has changed while it was copied`);
}
