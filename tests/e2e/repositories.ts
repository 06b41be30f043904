/** Bare repositories for jobs to be fetched from, made by git itself. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { programEnd } from "../fixtures/program_end.ts";

/** A repository as a job description names it. */
export interface Repository {
  readonly path: string;
  readonly sha: string;
  readonly objectFormat?: "sha1" | "sha256";
}

export interface Repositories {
  readonly root: string;
  /** Two commits on `main`: README.md (`one`, then `two`), src/a.txt, .gitignore (`ignored/`). */
  readonly app: Repository;
  /** Its first commit. */
  readonly firstOfApp: string;
  /** README.md and the submodule `lib` at a relative address, which has `nested` in turn. */
  readonly withSubmodule: Repository;
  readonly sha256: Repository;
  /** .gitattributes that ask for LFS, and `big.bin` as its pointer; no LFS server. */
  readonly withLfs: Repository;
  /** Adds a commit to `app` under any ref; returns its id. Not on a branch. */
  commit(ref: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Names a commit of `app`. */
  tag(name: string, sha: string): Promise<void>;
}

export async function makeRepositories(root: string): Promise<Repositories> {
  mkdirSync(root, { recursive: true });
  const maker = new Maker(root);
  const [{ app, firstOfApp }, withLfs, sha256, nested] = await Promise.all([
    maker.app(),
    maker.make("group/lfs", [{ ".gitattributes": "*.bin filter=lfs -text\n", "big.bin": POINTER }]),
    maker.make("group/sha256", [{ "README.md": "long hash\n" }], {
      objectFormat: "sha256",
    }),
    maker.make("group/nested", [{ "nested.txt": "nested\n" }]),
  ]);
  const lib = await maker.make("group/lib", [{ "lib.txt": "library\n" }], {
    submodule: { path: "nested", url: "../nested.git", sha: nested.sha },
  });
  const withSubmodule = await maker.make("group/parent", [{ "README.md": "parent\n" }], {
    submodule: { path: "lib", url: "../lib.git", sha: lib.sha },
  });
  return {
    root,
    app,
    firstOfApp,
    withSubmodule,
    sha256,
    withLfs,
    commit: (ref, files) => maker.commit("group/app", ref, files),
    tag: async (name, sha) => void await git(join(root, "group/app.git"), "tag", name, sha),
  };
}

const POINTER = `version https://git-lfs.github.com/spec/v1
oid sha256:${"a".repeat(64)}
size 12345
`;

interface Submodule {
  readonly path: string;
  readonly url: string;
  readonly sha: string;
}

interface MakeOptions {
  readonly objectFormat?: "sha1" | "sha256";
  readonly submodule?: Submodule;
}

class Maker {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async app(): Promise<{ app: Repository; firstOfApp: string }> {
    const files = { "README.md": "one\n", "src/a.txt": "a\n", ".gitignore": "ignored/\n" };
    const { path, shas } = await this.#commits("group/app", [files, { "README.md": "two\n" }]);
    const [firstOfApp = "", sha = ""] = shas;
    return { app: { path, sha }, firstOfApp };
  }

  async make(
    path: string,
    commits: readonly Readonly<Record<string, string>>[],
    options: MakeOptions = {},
  ): Promise<Repository> {
    const { shas } = await this.#commits(path, commits, options);
    return { path, sha: shas.at(-1) ?? "", objectFormat: options.objectFormat ?? "sha1" };
  }

  async commit(
    path: string,
    ref: string,
    files: Readonly<Record<string, string>>,
  ): Promise<string> {
    const bare = join(this.#root, `${path}.git`);
    const tree = `${bare}.tree`;
    await git(dirname(bare), "clone", "-q", bare, tree);
    const sha = await commitFiles(tree, files);
    await git(tree, "push", "-q", bare, `HEAD:${ref}`);
    rmSync(tree, { recursive: true });
    return sha;
  }

  async #commits(
    path: string,
    commits: readonly Readonly<Record<string, string>>[],
    options: MakeOptions = {},
  ): Promise<{ path: string; shas: string[] }> {
    const { objectFormat = "sha1", submodule } = options;
    const bare = join(this.#root, `${path}.git`);
    const tree = `${bare}.tree`;
    mkdirSync(tree, { recursive: true });
    const format = `--object-format=${objectFormat}`;
    await git(tree, "init", "-q", "-b", "main", format);
    if (submodule !== undefined) {
      const text = `[submodule "${submodule.path}"]\n\tpath = ${submodule.path}\n` +
        `\turl = ${submodule.url}\n`;
      writeFileSync(join(tree, ".gitmodules"), text);
      const entry = `160000,${submodule.sha},${submodule.path}`;
      await git(tree, "update-index", "--add", "--cacheinfo", entry);
    }
    const shas: string[] = [];
    for (const files of commits) shas.push(await commitFiles(tree, files));
    await git(dirname(bare), "init", "-q", "--bare", "-b", "main", format, bare);
    await git(tree, "push", "-q", bare, "main");
    rmSync(tree, { recursive: true });
    return { path, shas };
  }
}

async function commitFiles(tree: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text);
  }
  // Not `add -A`: that would drop a submodule that is in the index only.
  const known = [".gitmodules"].filter((name) => Bun.file(join(tree, name)).size > 0);
  await git(tree, "add", "--", ...Object.keys(files), ...known);
  await git(tree, "commit", "-q", "-m", "Change");
  return (await git(tree, "rev-parse", "HEAD")).trim();
}

/** With fixed names and times, so that every commit has the same id in every run. */
async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const child = Bun.spawn(["git", "-c", "core.hooksPath=/dev/null", ...NO_LFS, ...args], {
    cwd,
    env: {
      PATH: process.env["PATH"] ?? "",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "Author",
      GIT_AUTHOR_EMAIL: "author@example.com",
      GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
      GIT_COMMITTER_NAME: "Author",
      GIT_COMMITTER_EMAIL: "author@example.com",
      GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const { code, stdout, stderr } = await programEnd(child);
  if (code !== 0) throw new Error(`git ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

/** The pointer files are committed as they are. */
const NO_LFS = ["-c", "filter.lfs.clean=cat", "-c", "filter.lfs.required=false"];
