/**
 * The repository that jobs fetch their sources from: the user's commits, through a link to the
 * user's objects, and the snapshot of the working tree, whose objects are here.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Ref } from "./repository_facts.ts";
import type { WorkTree } from "./work_tree.ts";

export interface SourceRepositoryOptions {
  readonly path: string;
  readonly tree: WorkTree;
  readonly sha256: boolean;
}

/** Folders of objects that are not here, one a line. */
const ALTERNATES = "objects/info/alternates";

/** A bare repository without anything that git does not need to serve it. */
export class SourceRepository {
  readonly path: string;
  readonly objects: string;
  readonly #tree: WorkTree;

  /** Makes it, or goes on with what an earlier run made. */
  constructor({ path, tree, sha256 }: SourceRepositoryOptions) {
    this.path = path;
    this.objects = join(path, "objects");
    this.#tree = tree;
    const alternates = join(path, ALTERNATES);
    const wanted = `${join(tree.commonDir, "objects")}\n`;
    const config = configText(sha256);
    if (
      textOf(alternates)?.startsWith(wanted) !== true || textOf(join(path, "config")) !== config
    ) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(dirname(alternates), { recursive: true, mode: 0o700 });
      mkdirSync(join(path, "refs"));
      writeFileSync(join(path, "HEAD"), "ref: refs/heads/none\n");
      writeFileSync(join(path, "config"), config);
      writeFileSync(alternates, wanted);
    }
    this.#copyShallow();
  }

  /** Lets the objects of a submodule be found, too. */
  borrowFrom({ commonDir }: WorkTree): void {
    const line = `${join(commonDir, "objects")}\n`;
    const path = join(this.path, ALTERNATES);
    const known = textOf(path) ?? "";
    if (!known.split(/(?<=\n)/).includes(line)) writeFileSync(path, known + line);
  }

  /** Sets all refs at once: those of the user as a server would have them, and `more`. */
  setRefs(refs: readonly Ref[], remote: string, more: ReadonlyMap<string, string>): void {
    const all = new Map<string, string>();
    for (const { name, object } of refs) {
      const branch = servedName(name, remote);
      if (branch !== undefined && !all.has(branch)) all.set(branch, object);
    }
    for (const [name, sha] of more) all.set(name, sha);
    const lines = [...all].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, sha]) => `${sha} ${name}\n`);
    const text = `# pack-refs with: sorted \n${lines.join("")}`;
    const path = join(this.path, "packed-refs");
    if (textOf(path) !== text) writeFileSync(path, text);
  }

  /** What a shallow clone does not have, nobody can ask for here. */
  #copyShallow(): void {
    const theirs = textOf(join(this.#tree.commonDir, "shallow"));
    const own = join(this.path, "shallow");
    if (theirs === undefined) rmSync(own, { force: true });
    else if (textOf(own) !== theirs) writeFileSync(own, theirs);
  }
}

/**
 * The user's branches win over those of the remote, since `refs/heads` comes first in the list of
 * refs. Undefined: nothing that a server would have.
 */
function servedName(name: string, remote: string): string | undefined {
  if (name.startsWith("refs/heads/") || name.startsWith("refs/tags/")) return name;
  const prefix = `refs/remotes/${remote}/`;
  if (!name.startsWith(prefix) || name === `${prefix}HEAD`) return undefined;
  return `refs/heads/${name.slice(prefix.length)}`;
}

function configText(sha256: boolean): string {
  return [
    "[core]",
    `\trepositoryformatversion = ${sha256 ? 1 : 0}`,
    "\tbare = true",
    ...(sha256 ? ["[extensions]", "\tobjectformat = sha256"] : []),
    // Jobs fetch the commit of the snapshot, also when a newer run has moved its ref.
    "[uploadpack]",
    "\tallowAnySHA1InWant = true",
    "\tallowFilter = true",
    "",
  ].join("\n");
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
