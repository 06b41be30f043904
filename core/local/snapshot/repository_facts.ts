/** What git knows about the repository and its HEAD, asked for in one turn. */

import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Git } from "./git.ts";
import type { WorkTree } from "./work_tree.ts";

export interface Commit {
  readonly sha: string;
  readonly tree: string;
  /** The first one, or empty. */
  readonly parent: string;
  /** `Name <email>`. */
  readonly author: string;
  readonly authorName: string;
  readonly authorEmail: string;
  /** ISO 8601 with the author's zone. */
  readonly timestamp: string;
  /** As git's `--date=raw` writes it, for a commit made on top. */
  readonly committedAt: string;
  readonly message: string;
}

export interface Ref {
  /** `refs/heads/main`. */
  readonly name: string;
  /** The commit, also of an annotated tag. */
  readonly commit: string;
  /** The object itself. */
  readonly object: string;
  /** Of an annotated tag: its message. */
  readonly message: string;
}

export interface RepositoryFacts {
  /** Undefined: nothing has been committed. */
  readonly head: Commit | undefined;
  /** The branch that HEAD is on, also before its first commit; undefined: a detached HEAD. */
  readonly branch: string | undefined;
  readonly refs: readonly Ref[];
  readonly config: ReadonlyMap<string, string>;
}

const UNIT = "%x1f";
const COMMIT_FORMAT = ["%H", "%T", "%P", "%an <%ae>", "%an", "%ae", "%aI", "@%ct +0000", "%B"]
  .join(UNIT);
const REF_FORMAT = [
  "%(refname)",
  "%(objectname)",
  "%(*objectname)",
  "%(if)%(*objectname)%(then)%(contents)%(end)",
].join("%1f");

export async function repositoryFacts(git: Git, tree: WorkTree): Promise<RepositoryFacts> {
  const [head, branch, refs, config] = await Promise.all([
    git.tryAsk(["log", "-1", `--format=${COMMIT_FORMAT}`]),
    headBranch(git, tree),
    git.ask([
      "for-each-ref",
      `--format=${REF_FORMAT}%1e`,
      "refs/heads",
      "refs/tags",
      "refs/remotes",
    ]),
    git.tryAsk(["config", "--list", "-z"]),
  ]);
  return {
    head: head === undefined ? undefined : parseCommit(head),
    branch,
    refs: refs.split("\x1e").flatMap(parseRef),
    config: parseConfig(config ?? ""),
  };
}

/** From the file where it says so; git knows of other forms, such as a link or a table of refs. */
async function headBranch(git: Git, { gitDir }: WorkTree): Promise<string | undefined> {
  const path = join(gitDir, "HEAD");
  const text = readFileSync(path, "utf8").trim();
  const written = /^ref: refs\/heads\/(.+)$/.exec(text)?.[1];
  if (written !== undefined && written !== ".invalid") return written;
  if (/^[0-9a-f]{40,64}$/.test(text) && !lstatSync(path).isSymbolicLink()) return undefined;
  const symbolic = await git.tryAsk(["symbolic-ref", "--quiet", "HEAD"]);
  return symbolic?.trim().replace(/^refs\/heads\//, "");
}

/** Any commit; undefined when there is none of that name. */
export async function commitFacts(git: Git, name: string): Promise<Commit | undefined> {
  const text = await git.tryAsk(["log", "-1", `--format=${COMMIT_FORMAT}`, name, "--"]);
  return text === undefined ? undefined : parseCommit(text);
}

function parseCommit(text: string): Commit {
  const [
    sha = "",
    tree = "",
    parents = "",
    author = "",
    authorName = "",
    authorEmail = "",
    timestamp = "",
    committedAt = "",
    ...message
  ] = text.split("\x1f");
  const [parent = ""] = parents.split(" ");
  return {
    sha,
    tree,
    parent,
    author,
    authorName,
    authorEmail,
    timestamp,
    committedAt,
    message: message.join("\x1f").replace(/\n+$/, "\n"),
  };
}

function parseRef(text: string): readonly Ref[] {
  const [name = "", object = "", peeled = "", message = ""] = text.trimStart()
    .split("\x1f");
  if (name === "") return [];
  return [{ name, object, commit: peeled || object, message }];
}

/** Names are in lower case, as git prints them. The last value of a name counts. */
function parseConfig(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\0").filter((entry) => entry !== "").map((entry) => {
      const end = entry.indexOf("\n");
      return end < 0 ? [entry, "true"] : [entry.slice(0, end), entry.slice(end + 1)];
    }),
  );
}
