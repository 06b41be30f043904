/** The commit that a job was about: from the repository at hand, or else from the server. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, RunnerError } from "../../errors.ts";
import { quoteWord } from "../../util/quote_word.ts";
import type { Secret } from "../../util/secret.ts";
import { useOf } from "../gitlab/access_token.ts";
import { Git } from "../snapshot/git.ts";
import { commitFacts } from "../snapshot/repository_facts.ts";
import { SourceRepository } from "../snapshot/source_repository.ts";
import type { WorkTree } from "../snapshot/work_tree.ts";
import { SNAPSHOT_REF, type Sources } from "../sources.ts";

export interface ReplaySourcesOptions {
  readonly sha: string;
  /** The commit that its changes are told against; undefined: there is none. */
  readonly beforeSha: string | undefined;
  /** The repository that the user is in; undefined: none. */
  readonly local: WorkTree | undefined;
  /** Where the server has it, without credentials. */
  readonly url: string;
  readonly token: Secret | undefined;
  readonly caFile: string | undefined;
  /** Commits to fetch; 0: all. */
  readonly depth: number;
  /** Private to this run, and kept for the next. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Throws RunnerError when the commit is nowhere to be had. */
export async function replaySources(options: ReplaySourcesOptions): Promise<Sources> {
  const { sha, local, depth, directory, env, signal } = options;
  const open = (tree: WorkTree) => new Git({ tree, env, signal });
  const tree = local !== undefined && await hasCommit(open(local), sha)
    ? local
    : await fetchedTree(options);
  const git = open(tree);
  const sha256 = sha.length === SHA256_DIGITS;
  const repository = new SourceRepository({ path: join(directory, "source.git"), tree, sha256 });
  repository.setRefs([], "origin", new Map([[SNAPSHOT_REF, sha]]));
  return {
    git,
    tree,
    facts: {
      head: await commitFacts(git, sha),
      branch: undefined,
      refs: [],
      config: new Map(),
    },
    sha,
    unreadable: [],
    repository,
    objectFormat: sha256 ? "sha256" : "sha1",
    depth,
  };
}

const SHA256_DIGITS = 64;

async function hasCommit(git: Git, sha: string): Promise<boolean> {
  return await git.tryAsk(["cat-file", "-e", `${sha}^{commit}`]) !== undefined;
}

/** A repository of our own with nothing in it but what was fetched. */
async function fetchedTree(options: ReplaySourcesOptions): Promise<WorkTree> {
  const { sha, beforeSha, url, depth, directory, env, signal } = options;
  const root = join(directory, "fetched");
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const format = sha.length === SHA256_DIGITS ? "sha256" : "sha1";
  const tree = { root, gitDir: join(root, ".git"), commonDir: join(root, ".git") };
  const git = new Git({ tree, env, signal });
  await git.ask(["init", "--quiet", `--object-format=${format}`, root]);
  using credentials = credentialStore(options);
  const call = { config: credentials.config, env: { GIT_TERMINAL_PROMPT: "0" } };
  const fetch = (commit: string, limit: number) => [
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    `--depth=${limit}`,
    url,
    `+${commit}:refs/replay/${commit}`,
  ];
  try {
    await git.ask(fetch(sha, depth === 0 ? WHOLE_HISTORY : depth), call);
    // Where it is gone, as after a forced push, rules take everything as changed.
    if (beforeSha !== undefined && !await hasCommit(git, beforeSha)) {
      await git.tryAsk(fetch(beforeSha, 1), call);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new RunnerError(
      `Cannot fetch commit ${sha} of ${url}: ${messageOf(error)}; the token needs the scope ` +
        "read_repository, or run this in a repository that has the commit",
      { cause: error },
    );
  }
  return tree;
}

/** What git takes for no limit, also where an earlier fetch had one. */
const WHOLE_HISTORY = 2 ** 31 - 1;

/** Git gets the token from a file that only this user can read, for this host alone. */
function credentialStore(
  { url, token, caFile, directory }: ReplaySourcesOptions,
): Disposable & { readonly config: readonly string[] } {
  const path = join(directory, `credentials-${crypto.randomUUID()}`);
  const trust = caFile === undefined ? [] : [`http.sslCAInfo=${caFile}`];
  // Whoever the host redirects to is not meant.
  const base = ["http.followRedirects=false", "credential.helper=", ...trust];
  if (token === undefined) return { config: base, [Symbol.dispose]: () => {} };
  const { protocol, host } = new URL(url);
  const password = encodeURIComponent(token.reveal());
  const line = `${protocol}//${useOf(token).gitUser}:${password}@${host}\n`;
  writeFileSync(path, line, { mode: 0o600, flag: "wx" });
  return {
    config: [...base, `credential.helper=store --file=${quoteWord(path)}`],
    [Symbol.dispose]: () => rmSync(path, { force: true }),
  };
}
