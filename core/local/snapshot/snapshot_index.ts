/** An index of our own for a working tree of the user's. */

import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative, sep } from "node:path";
import { RunnerError } from "../../errors.ts";
import type { Complaint, Git } from "./git.ts";
import type { SourceRepository } from "./source_repository.ts";
import type { WorkTree } from "./work_tree.ts";

export interface SnapshotIndexOptions {
  readonly git: Git;
  readonly tree: WorkTree;
  readonly repository: SourceRepository;
  /** Private to one run at a time; kept between runs. */
  readonly directory: string;
  /** Directories that are no part of it, wherever they are. */
  readonly leftOut: readonly string[];
}

/** LFS files are taken as they are on disk; a checksum tells whether the index has changed. */
const SETTINGS = [
  "filter.lfs.clean=",
  "filter.lfs.process=",
  "filter.lfs.required=false",
  "core.untrackedCache=true",
  "core.safecrlf=false",
  "index.skipHash=false",
  "advice.addEmbeddedRepo=false",
];

/** A repository below the working tree that has no commit yet: git can take nothing of it. */
const EMPTY_REPOSITORY = /^error: '(.+)\/' does not have a commit checked out$/m;

/** A directory that may not be read, whatever its name. For git, that is no failure. */
const CLOSED_DIRECTORY = /^warning: could not open directory '(.+?)': Permission denied\n/gms;

/** The same of a file, and what git says of each file that it knows in such a directory. */
const CLOSED_FILE =
  /^error: open\("(.+?)"\): Permission denied\nerror: unable to index file '\1'\n|^(?!error: |fatal: )[^\n]+: Permission denied\n/gms;

/** More of them than this, and something else is wrong. */
const MOST_EMPTY_REPOSITORIES = 50;

const CHECKSUM_BYTES = 32;

export class SnapshotIndex {
  readonly #options: SnapshotIndexOptions;
  readonly #path: string;
  readonly #seed: string;
  readonly #treeFile: string;

  constructor(options: SnapshotIndexOptions) {
    this.#options = options;
    this.#path = join(options.directory, "index");
    this.#seed = join(options.directory, "seed");
    this.#treeFile = join(options.directory, "tree");
  }

  /** Takes in what has changed in the working tree. Resolves with the paths that cannot be read. */
  async update(): Promise<readonly string[]> {
    await this.#plant();
    const { tree: { root }, leftOut } = this.#options;
    const outside = leftOut.map((path) => relative(root, path))
      .filter((path) => path !== "" && path !== ".." && !path.startsWith(`..${sep}`));
    const empty: string[] = [];
    for (;;) {
      const paths = [...outside, ...empty].map((path) => `:(exclude,top,literal)${path}`);
      const complaint = await this.#tryAdd([".", ...paths]);
      const unreadable = unreadableIn(complaint);
      if (unreadable !== undefined) return unreadable;
      const another = EMPTY_REPOSITORY.exec(complaint.text)?.[1];
      if (another === undefined || empty.length === MOST_EMPTY_REPOSITORIES) {
        throw new RunnerError(`Cannot take a snapshot of "${root}": ${complaint.text.trim()}`);
      }
      empty.push(another);
    }
  }

  /** The id of its tree; known without git when nothing has changed. */
  async writeTree(): Promise<string> {
    const checksum = checksumOf(this.#path);
    const known = existsSync(this.#treeFile) ? readFileSync(this.#treeFile, "utf8") : "";
    const [knownChecksum, knownTree] = known.split(" ");
    if (knownChecksum === checksum && knownTree !== undefined) return knownTree;
    const tree = await this.#ask(["write-tree"], this.#path);
    writeFileSync(this.#treeFile, `${checksumOf(this.#path)} ${tree}`);
    return tree;
  }

  /** The same with these trees in place of submodules. The index itself stays as it is. */
  async writeTreeWith(trees: ReadonlyMap<string, string>): Promise<string> {
    const path = `${this.#path}.whole`;
    copyFileSync(this.#path, path);
    await this.#ask(["update-index", "--force-remove", "--", ...trees.keys()], path);
    for (const [prefix, tree] of trees) {
      await this.#ask(["read-tree", `--prefix=${prefix}/`, tree], path);
    }
    return await this.#ask(["write-tree"], path);
  }

  /** Begins with the user's index, which knows what has not changed since it was last looked at. */
  async #plant(): Promise<void> {
    const { tree } = this.#options;
    const theirs = join(tree.gitDir, "index");
    const found = statSync(theirs, { throwIfNoEntry: false, bigint: true });
    const state = found === undefined ? "none" : `${found.ino} ${found.size} ${found.mtimeNs}`;
    rmSync(`${this.#path}.lock`, { force: true });
    const seed = existsSync(this.#seed) ? readFileSync(this.#seed, "utf8") : undefined;
    if (seed === state && existsSync(this.#path)) return;
    rmSync(this.#seed, { force: true });
    rmSync(this.#path, { force: true });
    if (found !== undefined) {
      copyFileSync(theirs, this.#path);
      // Git looks twice at files that are as young as the index: a younger copy would hide a change.
      // Rounded down, so that it is never the younger one.
      const seconds = Number(found.mtimeNs / 1_000_000n - 1n) / 1000;
      utimesSync(this.#path, seconds, seconds);
      await this.#forgetPointers();
    }
    writeFileSync(this.#seed, state);
  }

  /** What the user's index has of LFS files are pointers: their content is to be looked at. */
  async #forgetPointers(): Promise<void> {
    const attributes = join(this.#options.tree.root, ".gitattributes");
    if (!existsSync(attributes) || !readFileSync(attributes, "utf8").includes("filter=lfs")) return;
    const files = await this.#ask(["ls-files", "-z", "--", ":(attr:filter=lfs)"], this.#path);
    if (files === "") return;
    await this.#ask(["update-index", "--force-remove", "-z", "--stdin"], this.#path, files);
  }

  async #tryAdd(paths: readonly string[]): Promise<Complaint> {
    return await this.#options.git.complaint(["add", "--all", "--ignore-errors", "--", ...paths], {
      config: SETTINGS,
      env: this.#env(this.#path),
    });
  }

  async #ask(args: readonly string[], index: string, input?: string): Promise<string> {
    const output = await this.#options.git.ask(args, {
      config: SETTINGS,
      env: this.#env(index),
      ...(input === undefined ? {} : { input }),
    });
    return output.trim();
  }

  #env(index: string): Readonly<Record<string, string>> {
    const { tree, repository } = this.#options;
    return {
      GIT_DIR: tree.gitDir,
      GIT_WORK_TREE: tree.root,
      GIT_INDEX_FILE: index,
      GIT_OBJECT_DIRECTORY: repository.objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: quoteAlternate(join(tree.commonDir, "objects")),
    };
  }
}

/** Directories end in a slash. Undefined when git has failed for anything else. */
function unreadableIn({ failed, text }: Complaint): readonly string[] | undefined {
  const directories = [...text.matchAll(CLOSED_DIRECTORY)].flatMap(([, path]) => path ?? []);
  const rest = text.replace(CLOSED_DIRECTORY, "");
  const files = [...rest.matchAll(CLOSED_FILE)].flatMap(([, path]) => path ?? []);
  return failed && rest.replace(CLOSED_FILE, "") !== ""
    ? undefined
    : [...files, ...directories].toSorted();
}

/** The last bytes of an index are its checksum. */
function checksumOf(path: string): string {
  if (!existsSync(path)) return "none";
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(CHECKSUM_BYTES);
    readSync(file, bytes, 0, CHECKSUM_BYTES, Math.max(0, fstatSync(file).size - CHECKSUM_BYTES));
    return bytes.toString("hex");
  } finally {
    closeSync(file);
  }
}

/** Git takes a path in double quotes, with C's escapes, when it has characters of a list. */
function quoteAlternate(path: string): string {
  return /[:"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, "\\$&")}"` : path;
}
