/**
 * A commit of the working tree as it is, with what is not committed and not tracked. It is made with
 * an index and objects of our own, so that the user's index, refs, objects and files stay as they
 * are; and the index is kept, so that the next one looks only at what has changed since.
 */

import { copyFileSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Git } from "./git.ts";
import type { Commit } from "./repository_facts.ts";
import type { SourceRepository } from "./source_repository.ts";
import type { WorkTree } from "./work_tree.ts";

export interface SnapshotOptions {
  readonly git: Git;
  readonly tree: WorkTree;
  readonly repository: SourceRepository;
  /** Private to one run at a time; kept between runs. */
  readonly directory: string;
  readonly head: Promise<Commit | undefined>;
}

/** LFS files are taken as they are on disk. */
const NO_LFS = [
  "-c",
  "filter.lfs.clean=",
  "-c",
  "filter.lfs.process=",
  "-c",
  "filter.lfs.required=false",
];

/** The commit's id: that of HEAD when nothing differs from it. */
export async function takeSnapshot(options: SnapshotOptions): Promise<string> {
  const index = new SnapshotIndex(options);
  const treeId = await index.tree();
  const head = await options.head;
  if (head?.tree === treeId) return head.sha;
  const at = head?.committedAt ?? "@0 +0000";
  // The same tree on the same commit gives the same id: nothing is fetched twice.
  const identity = {
    GIT_AUTHOR_NAME: head?.authorName || "Local",
    GIT_AUTHOR_EMAIL: head?.authorEmail || "local@localhost",
    GIT_AUTHOR_DATE: at,
    GIT_COMMITTER_NAME: "Local",
    GIT_COMMITTER_EMAIL: "local@localhost",
    GIT_COMMITTER_DATE: at,
  };
  const parent = head === undefined ? [] : ["-p", head.sha];
  const args = ["-c", "commit.gpgSign=false", "commit-tree", treeId, ...parent, "-F", "-"];
  const commit = await options.git.ask(args, {
    env: { ...index.env, ...identity },
    input: head?.message ?? "Working tree\n",
  });
  return commit.trim();
}

class SnapshotIndex {
  readonly env: Readonly<Record<string, string>>;
  readonly #options: SnapshotOptions;
  readonly #path: string;
  readonly #seed: string;
  readonly #treeFile: string;

  constructor(options: SnapshotOptions) {
    const { directory, repository, tree } = options;
    this.#options = options;
    this.#path = join(directory, "index");
    this.#seed = join(directory, "seed");
    this.#treeFile = join(directory, "tree");
    this.env = {
      GIT_DIR: tree.gitDir,
      GIT_WORK_TREE: tree.root,
      GIT_INDEX_FILE: this.#path,
      GIT_OBJECT_DIRECTORY: repository.objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: quoteAlternate(join(tree.commonDir, "objects")),
    };
  }

  /** The id of the tree that the working tree makes. */
  async tree(): Promise<string> {
    this.#plant();
    const { git } = this.#options;
    await git.ask([
      ...NO_LFS,
      "-c",
      "core.untrackedCache=true",
      "-c",
      "core.safecrlf=false",
      "-c",
      "advice.addEmbeddedRepo=false",
      "add",
      "--all",
      "--ignore-errors",
      "--",
      ".",
    ], { env: this.env });
    const checksum = indexChecksum(this.#path);
    const known = existsSync(this.#treeFile) ? readFileSync(this.#treeFile, "utf8") : "";
    const [knownChecksum, knownTree] = known.split(" ");
    if (knownChecksum === checksum && knownTree !== undefined) return knownTree;
    const tree = (await git.ask(["write-tree"], { env: this.env })).trim();
    writeFileSync(this.#treeFile, `${indexChecksum(this.#path)} ${tree}`);
    return tree;
  }

  /** Begins with the user's index, which knows what has not changed since it was last looked at. */
  #plant(): void {
    const theirs = join(this.#options.tree.gitDir, "index");
    const found = statSync(theirs, { throwIfNoEntry: false, bigint: true });
    const state = found === undefined ? "none" : `${found.ino} ${found.size} ${found.mtimeNs}`;
    rmSync(`${this.#path}.lock`, { force: true });
    const seed = existsSync(this.#seed) ? readFileSync(this.#seed, "utf8") : undefined;
    if (seed === state && existsSync(this.#path)) return;
    rmSync(this.#path, { force: true });
    if (found !== undefined) copyFileSync(theirs, this.#path);
    writeFileSync(this.#seed, state);
  }
}

/** The last bytes of an index are its checksum. */
function indexChecksum(path: string): string {
  if (!existsSync(path)) return "none";
  return readFileSync(path).subarray(-32).toString("hex");
}

/** Git takes a path in double quotes, with C's escapes, when it has characters of a list. */
function quoteAlternate(path: string): string {
  return /[:"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, "\\$&")}"` : path;
}
