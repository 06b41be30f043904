import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectFiles } from "../../../core/local/project_files.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

type Options = Parameters<typeof projectFiles>[0];

/** The files of a working tree without git. */
function filesBelow(root: string) {
  return projectFiles({ sources: { tree: { root } }, committed: false } as Options);
}

test("files of the working tree are read, also by links in it", async () => {
  using directory = temporaryDirectory();
  const root = join(directory.path, "tree");
  mkdirSync(join(root, "ci"), { recursive: true });
  writeFileSync(join(root, "ci/a.yml"), "a: 1\n");
  symlinkSync("ci/a.yml", join(root, "b.yml"));
  symlinkSync(root, join(directory.path, "entrance"));
  for (const path of [root, join(directory.path, "entrance")]) {
    await using files = filesBelow(path);
    expect(await files.read("ci/a.yml")).toBe("a: 1\n");
    expect(await files.read("b.yml")).toBe("a: 1\n");
    expect(await files.read("ci")).toBeUndefined();
    expect(await files.read("c.yml")).toBeUndefined();
  }
});

test("what a working tree only leads to is no file of it", async () => {
  using directory = temporaryDirectory();
  const root = join(directory.path, "tree");
  mkdirSync(root);
  writeFileSync(join(directory.path, "secret.yml"), "secret: 1\n");
  symlinkSync("../secret.yml", join(root, "out.yml"));
  symlinkSync("..", join(root, "up"));
  symlinkSync("loop.yml", join(root, "loop.yml"));
  Bun.spawnSync(["mkfifo", join(root, "pipe.yml")]);
  await using files = filesBelow(root);
  for (const path of ["out.yml", "up/secret.yml", "../secret.yml", "loop.yml", "pipe.yml"]) {
    expect([path, await files.read(path)]).toEqual([path, undefined]);
  }
});
