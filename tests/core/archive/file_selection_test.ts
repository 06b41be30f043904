/** Which files artifacts and caches consist of. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { selectFiles, type SelectionRequest } from "../../../core/archive/file_selection.ts";
import { compileGlob, matchesGlob } from "../../../core/archive/glob.ts";
import { listUntracked } from "../../../core/archive/untracked.ts";
import { scratch, writeTree } from "./support.ts";

async function select(root: string, request: Partial<SelectionRequest>) {
  const { entries, findings } = await selectFiles({ root, paths: [], exclude: [], ...request });
  return { paths: [...entries].map(({ path }) => path), findings };
}

describe("matchesGlob()", () => {
  const cases: [pattern: string, path: string, matches: boolean][] = [
    ["*.txt", "a.txt", true],
    ["*.txt", "d/a.txt", false],
    ["*.txt", ".txt", true],
    ["*", ".hidden", true],
    ["**/*.txt", "a.txt", true],
    ["**/*.txt", "x/y/a.txt", true],
    ["x/**", "x", true],
    ["x/**", "x/y/z", true],
    ["x/**/z", "x/z", true],
    ["x/**/z", "x/a/b/z", true],
    ["x/**/z", "x/a/b/y", false],
    ["{a,b}/*.{js,ts}", "b/x.ts", true],
    ["{a,b}/*.{js,ts}", "c/x.ts", false],
    ["a{b,{c,d}e}f", "adef", true],
    ["a{b", "a{b", true],
    ["file-?.log", "file-1.log", true],
    ["file-?.log", "file-12.log", false],
    ["[a-c]x", "bx", true],
    ["[^a-c]x", "bx", false],
    ["[!a-c]x", "dx", true],
    ["[]]x", "]x", true],
    ["[a", "[a", true],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["a.b", "axb", false],
    ["a+(b)", "a+(b)", true],
    ["[z-a]", "b", false],
    ["[.]x", "ax", false],
  ];
  for (const [pattern, path, matches] of cases) {
    test(`matchesGlob() ${matches ? "takes" : "refuses"} "${path}" for "${pattern}"`, () => {
      expect(matchesGlob(compileGlob(pattern), path)).toBe(matches);
    });
  }

  test("matchesGlob() takes no time for many stars", () => {
    const begin = performance.now();
    matchesGlob(compileGlob("a****************b"), `${"a".repeat(200)}c`);
    compileGlob("{a,b}".repeat(30));
    expect(performance.now() - begin).toBeLessThan(500);
  });
});

test("selectFiles takes a directory with all its content and counts both", async () => {
  using temporary = scratch();
  const root = temporary.directory("project");
  writeTree(root, { "out/a": "1", "out/.hidden/b": "2", "other": "3" });
  for (const path of ["out", "out/", "./out", join(root, "out")]) {
    const { paths, findings } = await select(root, { paths: [path] });
    expect(paths).toEqual(["out", "out/.hidden", "out/.hidden/b", "out/a"]);
    expect(findings).toEqual([{ kind: "matched", pattern: path, count: 4 }]);
  }
});

test("selectFiles takes what patterns match, with the content of directories", async () => {
  using temporary = scratch();
  const root = temporary.directory("project");
  writeTree(root, { "a/x.txt": "", "a/b/x.txt": "", "a/b/y.md": "", "x.txt": "" });
  const chosen = async (pattern: string) => (await select(root, { paths: [pattern] })).paths;
  expect(await chosen("**/*.txt")).toEqual(["a/b/x.txt", "a/x.txt", "x.txt"]);
  expect(await chosen("*/b")).toEqual(["a/b", "a/b/x.txt", "a/b/y.md"]);
  expect(await chosen("a/{b,c}/*.md")).toEqual(["a/b/y.md"]);
  expect(await chosen("a/**")).toEqual(["a", "a/b", "a/b/x.txt", "a/b/y.md", "a/x.txt"]);
  expect(await chosen(".")).toEqual(["a", "a/b", "a/b/x.txt", "a/b/y.md", "a/x.txt", "x.txt"]);
});

test("selectFiles tells of patterns without a match and of paths outside", async () => {
  using temporary = scratch();
  const root = temporary.directory("project");
  writeTree(temporary.path, { "outside/secret": "1" });
  const outside = ["../outside", "/etc/passwd", join(temporary.path, "outside/*"), "a/../../x"];
  const { paths, findings } = await select(root, { paths: ["missing.xml", ...outside] });
  expect(paths).toEqual([]);
  expect(findings).toEqual([
    { kind: "no-match", pattern: "missing.xml" },
    ...outside.map((pattern) => ({ kind: "outside" as const, pattern })),
  ]);
});

test("selectFiles takes a link as a link and never goes through one to outside", async () => {
  using temporary = scratch();
  const root = temporary.directory("project");
  writeTree(temporary.path, { "outside/secret": "1", "project/in/file": "2" });
  symlinkSync(join(temporary.path, "outside"), join(root, "planted"));
  symlinkSync("in", join(root, "inner"));
  const { paths: taken, findings } = await select(root, {
    paths: ["planted/secret", "planted/*", "*/secret", "**/secret"],
  });
  expect(taken).toEqual([]);
  expect(findings.every(({ kind }) => kind === "no-match")).toBe(true);

  const { entries } = await selectFiles({ root, paths: ["planted/", "inner/file"], exclude: [] });
  expect([...entries]).toMatchObject([
    { path: "inner/file", kind: "file" },
    { path: "planted", kind: "symlink", target: join(temporary.path, "outside") },
  ]);
});

test("selectFiles leaves out sockets and pipes", async () => {
  using temporary = scratch();
  const root = temporary.directory("project");
  writeFileSync(join(root, "file"), "");
  Bun.spawnSync(["mkfifo", join(root, "pipe")]);
  expect((await select(root, { paths: ["*"] })).paths).toEqual(["file"]);
});

test("selectFiles leaves out excluded files but not their directories", async () => {
  using temporary = scratch();
  const root = temporary.directory("project");
  writeTree(root, { "out/a.tmp": "", "out/b": "", "out/sub/c.tmp": "" });
  const { paths, findings } = await select(root, {
    paths: ["out", "out/*.tmp"],
    exclude: ["out/**/*.tmp", "nothing"],
  });
  expect(paths).toEqual(["out", "out/b", "out/sub"]);
  expect(findings).toEqual([
    { kind: "matched", pattern: "out", count: 3 },
    { kind: "no-match", pattern: "out/*.tmp" },
    { kind: "excluded", pattern: "out/**/*.tmp", count: 2 },
  ]);
});

test("selectFiles takes untracked files, and git starts no program of the repository", async () => {
  using temporary = scratch();
  const root = temporary.directory("project");
  const git = (...args: string[]) => Bun.spawnSync(["git", ...args], { cwd: root });
  git("init", "-q");
  writeTree(root, { "tracked": "1", "new ü\n.txt": "2", "dir/ignored": "3", ".gitignore": "dir" });
  git("add", "tracked", ".gitignore");
  writeFileSync(join(root, ".git/run.sh"), "#!/bin/sh\ntouch ran\n", { mode: 0o755 });
  git("config", "core.fsmonitor", join(root, ".git/run.sh"));
  mkdirSync(join(root, "empty"));
  const { signal } = new AbortController();
  const { paths, findings } = await select(root, {
    untracked: () => listUntracked(root, process.env, { signal }),
  });
  expect(paths).toEqual(["dir/ignored", "new ü\n.txt"]);
  expect(findings).toEqual([{ kind: "untracked", count: 2 }]);
});

test("selectFiles goes on when git cannot list files", async () => {
  using temporary = scratch();
  const root = temporary.directory("project");
  writeTree(root, { file: "1" });
  const { signal } = new AbortController();
  const { paths, findings } = await select(root, {
    paths: ["file"],
    untracked: () => listUntracked(root, { ...process.env, GIT_DIR: "/nonexistent" }, { signal }),
  });
  expect(paths).toEqual(["file"]);
  expect(findings[1]).toMatchObject({ kind: "untracked-failed" });
});
