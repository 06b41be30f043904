/** What jobs check out, and what git knows about it: begun at once, awaited where it is needed. */

import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ConfigurationError } from "../errors.ts";
import { Git } from "./snapshot/git.ts";
import { type RepositoryFacts, repositoryFacts } from "./snapshot/repository_facts.ts";
import { SourceRepository } from "./snapshot/source_repository.ts";
import { takeSnapshot } from "./snapshot/take_snapshot.ts";
import type { WorkTree } from "./snapshot/work_tree.ts";

export interface SourcesOptions {
  readonly tree: WorkTree;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Private to this run, and kept for the next. */
  readonly directory: string;
  /** `--committed`: HEAD as it is, without what is only in the working tree. */
  readonly committed: boolean;
  /** Directories whose files are not taken, wherever they are. */
  readonly leftOut: readonly string[];
  readonly signal: AbortSignal;
}

export interface Sources {
  readonly git: Git;
  readonly tree: WorkTree;
  readonly facts: RepositoryFacts;
  /** The commit that jobs check out. */
  readonly sha: string;
  /** Files and directories that this user may not read: they are not as they are on disk. */
  readonly unreadable: readonly string[];
  /** The repository that they fetch it from. */
  readonly repository: SourceRepository;
  readonly objectFormat: "sha1" | "sha256";
  /** Commits that a job fetches which does not say how many; 0: all. */
  readonly depth: number;
}

/** GitLab's default for new projects. */
export const DEFAULT_DEPTH = 20;

/** Refs below this are ours: no server has them. */
export const SNAPSHOT_REF = "refs/pipelines/1";

/** Starts with both questions at once: what is in the working tree, and what git knows. */
export async function openSources(options: SourcesOptions): Promise<Sources> {
  const { tree, env, directory, committed, leftOut, signal } = options;
  const git = new Git({ tree, env, signal });
  const objectFormat = objectFormatOf(tree);
  const repository = new SourceRepository({
    path: join(directory, "source.git"),
    tree,
    sha256: objectFormat === "sha256",
  });
  const asked = repositoryFacts(git, tree);
  const head = asked.then((facts) => facts.head);
  const [facts, { sha, unreadable }] = await Promise.all([
    asked,
    committed
      ? head.then((commit) => ({ sha: commit?.sha ?? refuseUnborn(tree), unreadable: [] }))
      : takeSnapshot({ git, tree, repository, directory, leftOut, head }),
  ]);
  const more = new Map([[SNAPSHOT_REF, sha]]);
  repository.setRefs(facts.refs, remoteName(facts), more);
  return { git, tree, facts, sha, unreadable, repository, objectFormat, depth: DEFAULT_DEPTH };
}

/** The remote that stands for GitLab. */
export function remoteName({ branch, config }: RepositoryFacts): string {
  const upstream = branch === undefined ? undefined : config.get(`branch.${branch}.remote`);
  if (upstream !== undefined && upstream !== ".") return upstream;
  const names = [...config.keys()].flatMap((key) => /^remote\.(.+)\.url$/.exec(key)?.[1] ?? []);
  return names.includes("origin") ? "origin" : names[0] ?? "origin";
}

/** Makes the repository reachable as `<project path>.git` below the folder that is served. */
export function serveAs(projectPath: string, directory: string): void {
  const link = join(directory, `${projectPath}.git`);
  const target = relative(dirname(link), join(directory, "source.git"));
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(target, link);
}

function refuseUnborn(tree: WorkTree): never {
  throw new ConfigurationError(`"${tree.root}" has no commit: run without --committed`);
}

/** Git writes a format other than SHA-1 into the configuration, when it makes the repository. */
function objectFormatOf(tree: WorkTree): "sha1" | "sha256" {
  const path = join(tree.commonDir, "config");
  return existsSync(path) && /^\s*objectformat\s*=\s*sha256\s*$/mi.test(readFileSync(path, "utf8"))
    ? "sha256"
    : "sha1";
}
