import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryLockFile } from "../../../core/util/file_lock.ts";

const directory = mkdtempSync(join(tmpdir(), "runner-lock-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("tryLockFile", () => {
  test("is held until it is disposed of, which may happen twice", () => {
    const path = join(directory, "a");
    const lock = tryLockFile(path);
    expect(lock?.path).toBe(path);
    expect(tryLockFile(path)).toBeUndefined();
    lock?.[Symbol.dispose]();
    const next = tryLockFile(path);
    lock?.[Symbol.dispose]();
    expect(next).toBeDefined();
    expect(tryLockFile(path)).toBeUndefined();
    next?.[Symbol.dispose]();
  });

  test("takes a passing file with it, and never locks one that is gone", () => {
    const path = join(directory, "passing");
    for (let round = 0; round < 2; round++) {
      const lock = tryLockFile(path, { passing: true });
      expect(tryLockFile(path, { passing: true })).toBeUndefined();
      lock?.[Symbol.dispose]();
      expect(existsSync(path)).toBe(false);
    }
    const first = tryLockFile(path, { passing: true });
    rmSync(path);
    // Somebody else has removed the file: whoever comes now has a lock of its own.
    const second = tryLockFile(path, { passing: true });
    expect(second).toBeDefined();
    expect(tryLockFile(path, { passing: true })).toBeUndefined();
    second?.[Symbol.dispose]();
    first?.[Symbol.dispose]();
  });

  test("is held by another process until that is killed, whose children do not inherit it", async () => {
    const path = join(directory, "b");
    const source = new URL("../../../core/util/file_lock.ts", import.meta.url).pathname;
    const code = `import { tryLockFile } from ${JSON.stringify(source)};
      const lock = tryLockFile(${JSON.stringify(path)});
      const child = Bun.spawn(["sleep", "60"], { stdin: "ignore", stdout: "ignore" });
      console.log(child.pid, lock !== undefined);
      await child.exited;`;
    const holder = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" });
    const { value } = await holder.stdout.getReader().read();
    const [pid, taken] = new TextDecoder().decode(value).trim().split(" ");
    try {
      expect(taken).toBe("true");
      expect(tryLockFile(path)).toBeUndefined();
      holder.kill("SIGKILL");
      await holder.exited;
      using lock = tryLockFile(path);
      expect(lock).toBeDefined();
    } finally {
      process.kill(Number(pid), "SIGKILL");
    }
  });

  test("takes away what has been put in the place of the file, and touches nothing behind it", async () => {
    const path = join(directory, "planted");
    const victim = join(directory, "victim");
    const plants: Record<string, () => unknown> = {
      "a link to nothing": () => symlinkSync(victim, path),
      "a link to a directory": () => symlinkSync(directory, path),
      "a pipe": () => Bun.spawnSync(["mkfifo", path]),
    };
    for (const [what, plant] of Object.entries(plants)) {
      plant();
      using lock = tryLockFile(path);
      expect({ what, taken: lock !== undefined }).toEqual({ what, taken: true });
      expect(lstatSync(path).isFile()).toBe(true);
      expect(existsSync(victim)).toBe(false);
      rmSync(path);
    }
  });

  test("throws the system's error when the file cannot be opened", () => {
    expect(() => tryLockFile(join(directory, "no/such/directory"))).toThrow("ENOENT");
  });
});
