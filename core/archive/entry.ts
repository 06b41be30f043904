/** What an archive holds: files, directories and symbolic links with what is known of them. */

import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { RunnerError } from "../errors.ts";

/** A whole archive cannot be written or read; problems of one entry are warnings instead. */
export class ArchiveError extends RunnerError {
  override readonly name = "ArchiveError";
}

/** What every entry carries. `path` is relative, with `/` between its parts and none at its end. */
export interface EntryMetadata {
  readonly path: string;
  /** Permission bits only. */
  readonly mode: number;
  readonly mtimeMs: number;
  readonly uid: number;
  readonly gid: number;
}

export type ArchiveEntry =
  | EntryMetadata & { readonly kind: "file"; readonly size: number }
  | EntryMetadata & { readonly kind: "directory" }
  | EntryMetadata & { readonly kind: "symlink"; readonly target: string };

export type FileEntry = Extract<ArchiveEntry, { kind: "file" }>;

/**
 * The entry for `path` under `root`; undefined for sockets, pipes and devices, and what is not there.
 * Never follows a link.
 */
export function readEntry(root: string, path: string): ArchiveEntry | undefined {
  const full = join(root, path);
  const found = lstatSync(full, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const metadata = {
    path,
    mode: found.mode & 0o7777,
    mtimeMs: found.mtimeMs,
    uid: found.uid,
    gid: found.gid,
  };
  if (found.isFile()) return { ...metadata, kind: "file", size: found.size };
  if (found.isDirectory()) return { ...metadata, kind: "directory" };
  if (found.isSymbolicLink()) return { ...metadata, kind: "symlink", target: readlinkSync(full) };
  return undefined;
}
