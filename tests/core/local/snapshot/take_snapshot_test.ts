import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSources, SNAPSHOT_REF, type Sources } from "../../../../core/local/sources.ts";
import { findWorkTree } from "../../../../core/local/snapshot/work_tree.ts";

const base = mkdtempSync(join(tmpdir(), "snapshot-"));
let count = 0;

beforeAll(() => chmodSync(base, 0o700));
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("openSources", () => {
  test("takes changed, new and deleted files, and leaves out what is ignored", async () => {
    const repo = makeRepository({ "kept.txt": "1\n", "changed.txt": "1\n", "gone.txt": "1\n" });
    repo.write({
      "changed.txt": "2\n",
      "new/file.txt": "n\n",
      ".gitignore": "*.log\n",
      "a.log": "x",
    });
    rmSync(join(repo.path, "gone.txt"));
    const sources = await repo.open();
    expect(repo.filesOf(sources)).toEqual([
      ".gitignore",
      "changed.txt",
      "kept.txt",
      "new/file.txt",
    ]);
    expect(repo.contentOf(sources, "changed.txt")).toBe("2\n");
  });

  test("changes nothing that is the user's: index, refs, objects, files", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.write({ "a.txt": "2\n", "new.txt": "n\n", "staged.txt": "s\n" });
    repo.git("add", "staged.txt");
    const before = repo.state();
    await repo.open();
    expect(repo.state()).toEqual(before);
  });

  test("is HEAD itself when nothing differs from it", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    const sources = await repo.open();
    expect(sources.sha).toBe(repo.git("rev-parse", "HEAD").trim());
  });

  test("gives the same commit for the same tree, and another one for another", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.write({ "a.txt": "2\n" });
    const first = await repo.open();
    expect((await repo.open()).sha).toBe(first.sha);
    repo.write({ "a.txt": "3\n" });
    const other = await repo.open();
    expect(other.sha).not.toBe(first.sha);
    expect(repo.contentOf(other, "a.txt")).toBe("3\n");
    repo.write({ "a.txt": "1\n" });
    expect((await repo.open()).sha).toBe(repo.git("rev-parse", "HEAD").trim());
  });

  test.skipIf(Bun.which("setpriv") === null)(
    "takes what was committed of files that may not be read, and names them",
    async () => {
      const repo = makeRepository({
        "kept.txt": "1\n",
        "closed.txt": "1\n",
        "half/known.txt": "1\n",
      });
      repo.write({
        "closed.txt": "2\n",
        "new.txt": "n\n",
        "shut/in.txt": "i\n",
        "half/new.txt": "n\n",
        "secret\n.txt": "s\n",
      });
      const closed = ["closed.txt", "secret\n.txt"].map((name) => join(repo.path, name));
      const directories = ["half", "shut"].map((name) => join(repo.path, `${name}/`));
      for (const path of [...closed, ...directories]) chmodSync(path, 0);
      // Root may read everything, unless it gives that up.
      const programs = join(base, "programs");
      mkdirSync(programs);
      const caps = "-dac_override,-dac_read_search";
      const code = `#!/bin/sh\nexec setpriv --inh-caps=${caps} --bounding-set=${caps} ${
        Bun.which("git")
      } "$@"\n`;
      writeFileSync(join(programs, "git"), code, { mode: 0o755 });
      const sources = await repo.open({ programs });
      const taken = ["closed.txt", "half/known.txt", "kept.txt", "new.txt"];
      expect(repo.filesOf(sources)).toEqual(taken);
      expect(repo.contentOf(sources, "closed.txt")).toBe("1\n");
      expect(sources.unreadable).toEqual([...closed, ...directories].toSorted());
      for (const path of closed) chmodSync(path, 0o600);
      const later = await repo.open({ programs });
      expect(repo.contentOf(later, "closed.txt")).toBe("2\n");
      expect(later.unreadable).toEqual(directories);
      for (const path of directories) chmodSync(path, 0o700);
    },
  );

  test("leaves out directories of our own in the tree, and nothing beside them", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.write({ "own/state/big": "b\n", "own/stated": "s\n", "own:*/x": "x\n" });
    const leftOut = [join(repo.path, "own/state"), join(repo.path, "own:*"), tmpdir(), repo.path];
    expect(repo.filesOf(await repo.open({ leftOut }))).toEqual(["a.txt", "own/stated"]);
  });

  test("knows the branch of HEAD, written as git writes it today or as a link", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.git("checkout", "-q", "-b", "some/branch");
    expect((await repo.open()).facts.branch).toBe("some/branch");
    const head = join(repo.path, ".git/HEAD");
    rmSync(head);
    symlinkSync("refs/heads/some/branch", head);
    expect((await repo.open()).facts.branch).toBe("some/branch");
    repo.git("checkout", "-q", "--detach");
    expect((await repo.open()).facts.branch).toBeUndefined();
    repo.git("checkout", "-q", "--orphan", "unborn");
    expect((await repo.open()).facts).toMatchObject({ branch: "unborn", head: undefined });
  });

  test("sees a change of the second in which the user's index was written", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.write({ "a.txt": "2\n" });
    const file = join(repo.path, "a.txt");
    const { mtime } = statSync(join(repo.path, ".git/index"));
    utimesSync(file, mtime, mtime);
    // The copy of the index is made in a later second.
    await Bun.sleep(1100);
    expect(repo.contentOf(await repo.open(), "a.txt")).toBe("2\n");
  });

  test("takes HEAD with committed, whatever the working tree has", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.write({ "a.txt": "2\n" });
    const sources = await repo.open({ committed: true });
    expect(sources.sha).toBe(repo.git("rev-parse", "HEAD").trim());
  });

  test("works before the first commit", async () => {
    const repo = makeRepository({});
    repo.write({ "a.txt": "1\n" });
    const sources = await repo.open();
    expect(repo.filesOf(sources)).toEqual(["a.txt"]);
    expect(sources.facts.head).toBeUndefined();
    expect(sources.facts.branch).toBe("main");
    await expect(repo.open({ committed: true })).rejects.toThrow("has no commit");
  });

  test("works on a detached HEAD, in a linked working tree, and with SHA-256", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    const linked = join(base, `linked-${++count}`);
    repo.git("worktree", "add", "--detach", linked);
    writeFileSync(join(linked, "more.txt"), "m\n");
    const sources = await repo.open({}, linked);
    expect(sources.facts.branch).toBeUndefined();
    expect(repo.filesOf(sources)).toEqual(["a.txt", "more.txt"]);

    const long = makeRepository({ "a.txt": "1\n" }, ["--object-format=sha256"]);
    long.write({ "b.txt": "2\n" });
    const longSources = await long.open();
    expect(longSources.sha).toMatch(/^[0-9a-f]{64}$/);
    expect(long.filesOf(longSources)).toEqual(["a.txt", "b.txt"]);
  });

  test("sees a change that came in the same instant as the user's index", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    const missed: number[] = [];
    for (let round = 0; round < 12; round++) {
      const clone = join(base, `young-${++count}`);
      repo.git("clone", "--quiet", repo.path, clone);
      // Of the same size, and often within the same tick of the file system's clock.
      writeFileSync(join(clone, "a.txt"), "2\n");
      const sources = await repo.open({}, clone);
      if (repo.contentOf(sources, "a.txt") !== "2\n") missed.push(round);
    }
    expect(missed).toEqual([]);
  }, 20_000);

  test("can be fetched from with the user's branches and tags, also from a shallow clone", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.git("tag", "v1");
    repo.git("branch", "topic");
    repo.write({ "a.txt": "2\n" });
    repo.git("commit", "--quiet", "-am", "second");
    const shallow = join(base, `shallow-${++count}`);
    repo.git("clone", "--quiet", "--depth", "1", `file://${repo.path}`, shallow);
    writeFileSync(join(shallow, "a.txt"), "3\n");
    for (const path of [repo.path, shallow]) {
      const sources = await repo.open({}, path);
      const checkout = join(base, `checkout-${++count}`);
      repo.git("init", "--quiet", checkout);
      const from = [sources.repository.path, `+${SNAPSHOT_REF}:${SNAPSHOT_REF}`];
      repo.git("-C", checkout, "fetch", "--quiet", "--depth", "20", ...from);
      repo.git("-C", checkout, "checkout", "--quiet", sources.sha);
      expect(readFileSync(join(checkout, "a.txt"), "utf8")).toBe(path === shallow ? "3\n" : "2\n");
    }
    const refs = repo.git("ls-remote", (await repo.open()).repository.path);
    expect(refs).toContain("refs/heads/topic");
    expect(refs).toContain("refs/tags/v1");
  });

  test("takes LFS files as they are on disk, without their filter", async () => {
    const repo = makeRepository({ ".gitattributes": "*.bin filter=lfs -text\n" });
    repo.git("config", "filter.lfs.clean", "false");
    repo.git("config", "filter.lfs.required", "true");
    repo.write({ "big.bin": "the content itself\n" });
    const sources = await repo.open();
    expect(repo.contentOf(sources, "big.bin")).toBe("the content itself\n");
  });
});

describe("openSources of a tree with more than one repository", () => {
  test("takes the files of submodules as they are on disk", async () => {
    const inner = makeRepository({ "kept.txt": "k\n", "lib.txt": "1\n" });
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.git(
      "-c",
      "protocol.file.allow=always",
      "submodule",
      "--quiet",
      "add",
      inner.path,
      "libs/inner",
    );
    repo.git("commit", "--quiet", "--message=submodule");
    repo.write({ "libs/inner/lib.txt": "2\n", "libs/inner/new.txt": "n\n" });
    const before = repo.state();
    for (let run = 0; run < 2; run++) {
      const sources = await repo.open();
      expect(repo.filesOf(sources)).toEqual([
        ".gitmodules",
        "a.txt",
        "libs/inner/kept.txt",
        "libs/inner/lib.txt",
        "libs/inner/new.txt",
      ]);
      expect(repo.contentOf(sources, "libs/inner/lib.txt")).toBe("2\n");
    }
    expect(repo.state()).toEqual(before);
  });

  test("leaves out a repository below it that has no commit", async () => {
    const repo = makeRepository({ "a.txt": "1\n" });
    repo.git("init", "--quiet", "empty one");
    repo.write({ "empty one/file.txt": "x\n", "b.txt": "2\n" });
    expect(repo.filesOf(await repo.open())).toEqual(["a.txt", "b.txt"]);
  });

  test("takes the content of LFS files that the user's index has as pointers", async () => {
    const repo = makeRepository({
      ".gitattributes": "*.bin filter=lfs -text\n",
      "big.bin": "pointer\n",
    });
    repo.write({ "big.bin": "the content itself\n" });
    repo.git("-c", "filter.lfs.clean=printf 'pointer\\n'", "add", "--renormalize", ".");
    const sources = await repo.open();
    expect(repo.contentOf(sources, "big.bin")).toBe("the content itself\n");
  });
});

describe("findWorkTree", () => {
  test("says what to do where there is no repository", () => {
    expect(() => findWorkTree("/")).toThrow('Make one with "git init"');
  });
});

interface TestRepository {
  readonly path: string;
  git(...args: readonly string[]): string;
  write(files: Readonly<Record<string, string>>): void;
  open(
    options?: { committed?: boolean; programs?: string; leftOut?: readonly string[] },
    path?: string,
  ): Promise<Sources>;
  filesOf(sources: Sources): string[];
  contentOf(sources: Sources, path: string): string;
  /** All that belongs to the user: every file with its time, and what git says of the refs. */
  state(): unknown;
}

function makeRepository(
  files: Readonly<Record<string, string>>,
  initArgs: readonly string[] = [],
): TestRepository {
  const path = join(base, `repo-${++count}`);
  const state = join(base, `state-${count}`);
  mkdirSync(path);
  mkdirSync(state);
  const git = (...args: readonly string[]) => {
    const identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
    const run = Bun.spawnSync(["git", ...identity, ...args], { cwd: path });
    if (run.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${run.stderr}`);
    return run.stdout.toString();
  };
  const write = (contents: Readonly<Record<string, string>>) => {
    for (const [name, content] of Object.entries(contents)) {
      mkdirSync(join(path, name, ".."), { recursive: true });
      writeFileSync(join(path, name), content);
    }
  };
  git("init", "--quiet", "--initial-branch=main", ...initArgs, ".");
  write(files);
  if (Object.keys(files).length > 0) {
    git("add", ".");
    git("commit", "--quiet", "--message=first");
  }
  const inSources = (sources: Sources, ...args: readonly string[]) =>
    git("--git-dir", sources.repository.path, ...args);
  return {
    path,
    git,
    write,
    open: ({ committed = false, programs, leftOut = [] } = {}, from = path) => {
      const directory = join(state, Bun.hash(from).toString(16));
      mkdirSync(directory, { recursive: true });
      return openSources({
        tree: findWorkTree(from),
        env: {
          PATH: [programs, process.env["PATH"]].filter((part) => part).join(":"),
          HOME: base,
        },
        directory,
        committed,
        leftOut,
        signal: AbortSignal.timeout(60_000),
      });
    },
    filesOf: (sources) =>
      inSources(sources, "ls-tree", "-r", "--name-only", sources.sha).trim().split("\n"),
    contentOf: (sources, name) => inSources(sources, "cat-file", "blob", `${sources.sha}:${name}`),
    state: () => ({
      files: Array.from(new Bun.Glob("**/*").scanSync({ cwd: path, dot: true })).sort()
        .map((name) => [name, isObject(name) || statSync(join(path, name)).mtimeMs]),
      refs: git("for-each-ref"),
    }),
  };
}

/** Git marks an object as used that is to be written and is there already. */
function isObject(name: string): boolean {
  return name.startsWith(".git/") && name.includes("/objects/");
}
