/** The submodules of a working tree that are there. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Git } from "./git.ts";
import { type WorkTree, workTreeAt } from "./work_tree.ts";

export interface Submodule {
  /** In the tree above. */
  readonly path: string;
  readonly tree: WorkTree;
}

/** One that was never checked out has no files to take. */
export async function findSubmodules(git: Git, tree: WorkTree): Promise<readonly Submodule[]> {
  const file = join(tree.root, ".gitmodules");
  if (!existsSync(file)) return [];
  const args = ["config", "--file", file, "-z", "--get-regexp", "^submodule\\..*\\.path$"];
  const output = await git.tryAsk(args) ?? "";
  return output.split("\0").flatMap((entry) => {
    const path = entry.slice(entry.indexOf("\n") + 1);
    if (path === "" || path.startsWith("/") || path.split("/").includes("..")) return [];
    const inner = workTreeAt(join(tree.root, path));
    return inner === undefined ? [] : [{ path, tree: inner }];
  });
}
