/**
 * The directory that an archive is extracted into. The archive is not trusted, and neither is what
 * lies in the directory: no link is ever followed, whether the archive brought it or it was there.
 */

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  realpathSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { codeOf } from "../errors.ts";
import { ArchiveError } from "./entry.ts";
import { safeParts } from "./safe_path.ts";

/** What of an entry's metadata is put back; owners only when this process may give files away. */
export interface RestoredMetadata {
  readonly mode: number;
  readonly mtimeMs: number;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/** Set-user-id, set-group-id and sticky bits are never restored. */
const PERMISSIONS = 0o777;
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
const OPEN_DIRECTORY = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | NO_FOLLOW;

interface Deferred {
  readonly parts: readonly string[];
  readonly metadata: RestoredMetadata;
}

/** Creates entries below one directory. Throws an ArchiveError for an entry it refuses. */
export class Destination {
  readonly #root: string;
  readonly #umask = process.umask();
  readonly #mayChown = process.getuid?.() === 0;
  /** Directories known to be real ones. */
  readonly #directories = new Set<string>();
  /** Files that this archive brought: they are not replaced by a directory. */
  readonly #files = new Set<string>();
  readonly #restore = new Map<string, Deferred>();
  readonly #links: (Deferred & { readonly target: string })[] = [];

  /** `root` must exist; it may itself be reached through links. */
  constructor(root: string) {
    this.#root = realpathSync(root);
  }

  /** A new, empty file; what had its name before is gone. The caller closes the descriptor. */
  createFile(name: string, mode: number): { readonly fd: number; readonly path: string } {
    const parts = this.#partsOf(name);
    const path = this.#parentOf(parts);
    const permissions = mode & PERMISSIONS;
    const fd = this.#replacing(path, () => openSync(path, CREATE_NEW, permissions));
    this.#files.add(path);
    try {
      if ((permissions & this.#umask) !== 0) fchmodSync(fd, permissions);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return { fd, path };
  }

  /** Time and owner of a file that has its content. */
  finishFile(fd: number, { mode, mtimeMs, owner }: RestoredMetadata): void {
    if (owner !== undefined && this.#mayChown && (owner.uid !== 0 || owner.gid !== 0)) {
      fchownSync(fd, owner.uid, owner.gid);
      fchmodSync(fd, mode & PERMISSIONS);
    }
    futimesSync(fd, mtimeMs / 1000, mtimeMs / 1000);
  }

  /** A directory; its mode and time are set by {@link finish}, when its content is there. */
  createDirectory(name: string, metadata: RestoredMetadata): void {
    const parts = this.#partsOf(name, { rootAllowed: true });
    if (parts.length === 0) return;
    const path = this.#ensureDirectory(parts);
    this.#restore.set(path, { parts, metadata });
  }

  /** Takes note of a link; {@link finish} creates it, so that no entry can pass through it. */
  addLink(name: string, target: string, metadata: RestoredMetadata): void {
    if (target === "") throw new ArchiveError("Link has no target");
    this.#links.push({ parts: this.#partsOf(name), target, metadata });
  }

  /** Creates the links, then restores the directories, inner ones first. */
  finish(onProblem: (name: string, error: unknown) => void): void {
    for (const link of this.#links) {
      attempt(link, onProblem, () => this.#createLink(link));
    }
    const directories = [...this.#restore].sort(([, a], [, b]) => b.parts.length - a.parts.length);
    for (const [path, directory] of directories) {
      attempt(directory, onProblem, () => this.#restoreDirectory(path, directory.metadata));
    }
  }

  #partsOf(name: string, options: { rootAllowed?: boolean } = {}): readonly string[] {
    const parts = safeParts(name);
    if (parts === undefined || (parts.length === 0 && options.rootAllowed !== true)) {
      throw new ArchiveError("Path leads outside the destination");
    }
    return parts;
  }

  #parentOf(parts: readonly string[]): string {
    return `${this.#ensureDirectory(parts.slice(0, -1))}/${parts.at(-1)}`;
  }

  #ensureDirectory(parts: readonly string[]): string {
    if (parts.length === 0) return this.#root;
    const path = `${this.#root}/${parts.join("/")}`;
    if (this.#directories.has(path)) return path;
    this.#ensureDirectory(parts.slice(0, -1));
    const found = lstatOrUndefined(path);
    if (found?.isDirectory() !== true) {
      if (found !== undefined) this.#clear(path, found);
      mkdirSync(path, 0o777);
    }
    this.#directories.add(path);
    return path;
  }

  /** Runs `create`; when something has the name already, removes that and runs it again. */
  #replacing<T>(path: string, create: () => T): T {
    try {
      return create();
    } catch (error) {
      // O_NOFOLLOW with O_EXCL answers either code for a link, depending on the system.
      if (codeOf(error) !== "EEXIST" && codeOf(error) !== "ELOOP") throw error;
      const found = lstatOrUndefined(path);
      if (found?.isDirectory() === true) {
        throw new ArchiveError("A directory is in the way", { cause: error });
      }
      unlinkSync(path);
      return create();
    }
  }

  /** Removes a planted link or file that stands where a directory has to be. */
  #clear(path: string, found: Stats): void {
    if (this.#files.has(path)) {
      throw new ArchiveError("The archive has a file where this needs a directory");
    }
    if (!found.isDirectory()) unlinkSync(path);
  }

  #createLink({ parts, target, metadata: { mtimeMs, owner } }: Deferred & { target: string }) {
    const path = this.#parentOf(parts);
    this.#replacing(path, () => symlinkSync(target, path));
    this.#files.add(path);
    if (owner !== undefined && this.#mayChown) lchownSync(path, owner.uid, owner.gid);
    lutimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
  }

  #restoreDirectory(path: string, { mode, mtimeMs, owner }: RestoredMetadata): void {
    // Windows has neither modes nor a way to open a directory.
    if (process.platform === "win32") return;
    const fd = openSync(path, OPEN_DIRECTORY);
    try {
      if (owner !== undefined && this.#mayChown) fchownSync(fd, owner.uid, owner.gid);
      fchmodSync(fd, mode & PERMISSIONS);
      futimesSync(fd, mtimeMs / 1000, mtimeMs / 1000);
    } finally {
      closeSync(fd);
    }
  }
}

function attempt(
  { parts }: Deferred,
  onProblem: (name: string, error: unknown) => void,
  action: () => void,
): void {
  try {
    action();
  } catch (error) {
    onProblem(parts.join("/"), error);
  }
}

function lstatOrUndefined(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
