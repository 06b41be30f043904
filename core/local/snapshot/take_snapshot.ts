/**
 * A commit of the working tree as it is, with what is not committed and not tracked. It is made with
 * indexes and objects of our own, so that the user's index, refs, objects and files stay as they
 * are; and the indexes are kept, so that the next one looks only at what has changed since.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Git } from "./git.ts";
import type { Commit } from "./repository_facts.ts";
import { SnapshotIndex } from "./snapshot_index.ts";
import type { SourceRepository } from "./source_repository.ts";
import { findSubmodules } from "./submodules.ts";
import type { WorkTree } from "./work_tree.ts";

export interface SnapshotOptions {
  readonly git: Git;
  readonly tree: WorkTree;
  readonly repository: SourceRepository;
  /** Private to one run at a time; kept between runs. */
  readonly directory: string;
  /** Directories that are no part of it. */
  readonly leftOut: readonly string[];
  readonly head: Promise<Commit | undefined>;
}

export interface Snapshot {
  /** The commit's id: that of HEAD when nothing differs from it. */
  readonly sha: string;
  /** Files and directories that may not be read. What is committed of them is taken. */
  readonly unreadable: readonly string[];
}

export async function takeSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const { git, tree, repository, directory, leftOut } = options;
  const unreadable: string[] = [];
  const treeId = await treeOf(tree, { git, repository, directory, leftOut, unreadable });
  const head = await options.head;
  if (head?.tree === treeId) return { sha: head.sha, unreadable };
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
  const commit = await git.ask(["commit-tree", treeId, ...parent, "-F", "-"], {
    config: ["commit.gpgSign=false"],
    env: { GIT_DIR: repository.path, ...identity },
    input: head?.message ?? "Working tree\n",
  });
  return { sha: commit.trim(), unreadable };
}

interface TreeParts {
  readonly git: Git;
  readonly repository: SourceRepository;
  readonly directory: string;
  readonly leftOut: readonly string[];
  /** Is added to. */
  readonly unreadable: string[];
}

/** The id of the tree that the files make; those of submodules are part of it like all others. */
async function treeOf(tree: WorkTree, parts: TreeParts): Promise<string> {
  const { repository, directory, unreadable, leftOut } = parts;
  const git = parts.git.in(tree);
  const index = new SnapshotIndex({ git, tree, repository, directory, leftOut });
  unreadable.push(...(await index.update()).map((path) => join(tree.root, path)));
  const submodules = await findSubmodules(git, tree);
  if (submodules.length === 0) return await index.writeTree();
  const grafts = new Map<string, string>();
  for (const [at, { path, tree: inner }] of submodules.entries()) {
    repository.borrowFrom(inner);
    const own = join(directory, "submodules", String(at));
    mkdirSync(own, { recursive: true });
    grafts.set(path, await treeOf(inner, { ...parts, git, directory: own }));
  }
  return await index.writeTreeWith(grafts);
}
