import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepDirectory, removeKept } from "../../../core/local/kept_directories.ts";

test("keepDirectory moves a directory, and removeKept takes it away, whatever is in it", () => {
  const dir = mkdtempSync(join(tmpdir(), "runner-kept-"));
  const kept = join(dir, "kept");
  mkdirSync(join(dir, "outside"));
  mkdirSync(join(dir, "build/locked"), { recursive: true });
  writeFileSync(join(dir, "build/locked/file"), "");
  symlinkSync(join(dir, "outside"), join(dir, "build/locked/link"));
  Bun.spawnSync(["chmod", "500", join(dir, "build/locked")]);

  expect(keepDirectory(join(dir, "none"), { kept, name: "a" })).toBeUndefined();
  const path = keepDirectory(join(dir, "build"), { kept, name: "a" });
  expect(path).toBe(join(kept, "a"));
  expect(existsSync(join(kept, "a/locked/file"))).toBe(true);
  expect(existsSync(join(dir, "build"))).toBe(false);

  removeKept(kept);
  expect(existsSync(kept)).toBe(false);
  expect(existsSync(join(dir, "outside"))).toBe(true);
  removeKept(kept);
  rmSync(dir, { recursive: true });
});
