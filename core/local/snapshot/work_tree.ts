/** The git repository that a directory belongs to, found without starting git. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigurationError } from "../../errors.ts";

export interface WorkTree {
  /** The directory with `.git` in it. */
  readonly root: string;
  /** What belongs to this working tree alone: `HEAD`, `index`. */
  readonly gitDir: string;
  /** What all working trees of the repository share: objects, refs, configuration. */
  readonly commonDir: string;
}

/** Throws ConfigurationError when `directory` is in no working tree. */
export function findWorkTree(directory: string): WorkTree {
  const start = resolve(directory);
  if (!existsSync(start)) throw new ConfigurationError(`There is no directory "${start}"`);
  for (let root = start;; root = dirname(root)) {
    const found = workTreeAt(root);
    if (found !== undefined) return found;
    if (root === dirname(root)) break;
  }
  throw new ConfigurationError(
    `"${start}" is in no git repository: jobs get their sources from one. ` +
      'Make one with "git init"; nothing has to be committed',
  );
}

/** The working tree whose root this directory is. */
export function workTreeAt(root: string): WorkTree | undefined {
  const gitDir = gitDirOf(root);
  return gitDir === undefined ? undefined : { root, gitDir, commonDir: commonDirOf(gitDir) };
}

/** A linked working tree or a submodule has a file that says where its directory is. */
function gitDirOf(root: string): string | undefined {
  const path = join(root, ".git");
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.isDirectory()) return existsSync(join(path, "HEAD")) ? path : undefined;
  const named = /^gitdir: (.+)$/m.exec(readFileSync(path, "utf8"))?.[1];
  return named === undefined ? undefined : resolve(root, named);
}

function commonDirOf(gitDir: string): string {
  const path = join(gitDir, "commondir");
  return existsSync(path) ? resolve(gitDir, readFileSync(path, "utf8").trim()) : gitDir;
}
