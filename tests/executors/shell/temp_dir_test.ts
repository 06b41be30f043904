import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jobUser } from "../../../executors/shell/job_user.ts";
import { removeDirectory } from "../../../executors/shell/temp_dir.ts";

const { signal } = new AbortController();
const isRoot = process.getuid?.() === 0;

const parent = mkdtempSync(join(tmpdir(), "runner-temp-dir-"));
chmodSync(parent, 0o755);
afterAll(() => rmSync(parent, { recursive: true, force: true }));

test("removeDirectory takes all content, follows no link and takes absence well", async () => {
  const root = mkdtempSync(join(parent, "case-"));
  mkdirSync(join(root, "kept"));
  mkdirSync(join(root, "gone/sub"), { recursive: true });
  writeFileSync(join(root, "gone/sub/file"), "");
  symlinkSync(join(root, "kept"), join(root, "gone/link"));
  symlinkSync(join(root, "kept"), join(root, "link"));
  for (const name of ["gone", "link", "absent"]) {
    await removeDirectory(join(root, name), { user: undefined, signal });
  }
  expect(readdirSync(root)).toEqual(["kept"]);
});

describe.skipIf(!isRoot)(
  isRoot ? "removeDirectory with --user" : "removeDirectory with --user: NOT RUN, needs root",
  () => {
    test("acts as the job's user, who may not remove what is root's", async () => {
      const root = mkdtempSync(join(parent, "case-"));
      mkdirSync(join(root, "roots"));
      const user = await jobUser("nobody", { path: "/usr/local/bin:/usr/bin:/bin", signal });
      const removal = removeDirectory(join(root, "roots"), { user, signal });
      await expect(removal).rejects.toThrow('rm as "nobody" did not succeed');
      expect(existsSync(join(root, "roots"))).toBe(true);
    });
  },
);
