import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { editConfig } from "../../../core/config/edit.ts";
import { takeWriterLock } from "../../../core/config/writer_lock.ts";
import { loadConfig } from "../../../core/config/load.ts";
import { ConfigurationError } from "../../../core/errors.ts";
import { Secret } from "../../../core/util/secret.ts";

const RUNNER = { name: "a", url: "https://x", token: "$TOKEN", executor: "shell" };
const env = { TOKEN: "glrt-a" };
const posix = process.platform !== "win32";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "edit-"));
  path = join(folder, "new", "config.toml");
});
afterEach(() => rm(folder, { recursive: true }));

describe("editConfig", () => {
  test("creates a first file as GitLab Runner does, readable by its owner only", async () => {
    await editConfig(path, () => {}, { env });
    expect(await readFile(path, "utf8")).toBe(
      "concurrent = 1\ncheck_interval = 0\nshutdown_timeout = 0\n\n[session_server]\n  session_timeout = 1800\n",
    );
    if (posix) {
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await stat(join(folder, "new"))).mode & 0o777).toBe(0o700);
    }
    expect(await readdir(join(folder, "new"))).toEqual(["config.toml"]);
  });

  test("shows runners as they are now, with references expanded", async () => {
    await editConfig(path, (draft) => {
      draft.addRunner(RUNNER);
      draft.addRunner({ ...RUNNER, name: "b" });
      expect(draft.runners.map(({ name }) => name)).toEqual(["a", "b"]);
      expect(draft.runners[0]?.token.reveal()).toBe("glrt-a");
      draft.removeRunners([0]);
      draft.setRunner(0, { id: 3 });
    }, { env });
    const { config } = await loadConfig(path, { env });
    expect(config.runners.map(({ name, id }) => [name, id])).toEqual([["b", 3]]);
  });

  test("knows runners whose keys are written in another case, as Go reads them", async () => {
    await editConfig(path, (draft) => draft.addRunner(RUNNER), { env });
    const text = await readFile(path, "utf8");
    const written = text.replace("name", "Name").replace("url", "URL").replace("token", "Token");
    await writeFile(path, written);
    await editConfig(path, (draft) => {
      expect(draft.runners).toMatchObject([{ name: "a", url: "https://x" }]);
      const known = { url: "https://x", token: new Secret("glrt-a") };
      expect(draft.indicesOf(known)).toEqual([0]);
      expect(draft.indicesOf({ ...known, url: "https://y" })).toEqual([]);
    }, { env });
  });

  test("leaves the file alone when the edit changes nothing or fails", async () => {
    await editConfig(path, (draft) => draft.addRunner(RUNNER), { env });
    const before = await stat(path, { bigint: true });
    await editConfig(path, () => {}, { env });
    await expect(editConfig(path, (draft) => {
      draft.removeRunners([0]);
      throw new Error("stop");
    }, { env })).rejects.toThrow("stop");
    const after = await stat(path, { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
    expect(await readdir(join(folder, "new"))).toEqual(["config.toml"]);
  });

  test("refuses a file with a syntax error and leaves it", async () => {
    await mkdir(join(folder, "new"));
    await writeFile(path, "a = \n");
    await expect(editConfig(path, () => {}, { env })).rejects.toThrow("config.toml:1:5");
    expect(await readFile(path, "utf8")).toBe("a = \n");
  });

  test.if(posix)(
    "writes through symbolic links, also to a file that does not exist yet",
    async () => {
      await mkdir(join(folder, "new"));
      await symlink("../real.toml", path);
      await editConfig(path, (draft) => draft.addRunner(RUNNER), { env });
      await editConfig(path, (draft) => draft.addRunner(RUNNER), { env });
      expect(await readdir(join(folder, "new"))).toEqual(["config.toml"]);
      const { config } = await loadConfig(join(folder, "real.toml"), { env });
      expect(config.runners).toHaveLength(2);
    },
  );

  test("names a path that cannot be written", async () => {
    await writeFile(join(folder, "new"), "a file, not a folder");
    await expect(editConfig(path, () => {}, { env })).rejects.toThrow(ConfigurationError);
  });

  test("loses nothing when several processes and calls edit at once", async () => {
    const names = ["p0", "p1", "p2", "q0", "q1", "q2", "q3", "q4"];
    const others = names.filter((name) => name.startsWith("p")).map((name) =>
      run("edit_once", path, name)
    );
    const own = names.filter((name) => name.startsWith("q")).map((name) =>
      editConfig(path, async (draft) => {
        await Bun.sleep(2);
        draft.addRunner({ ...RUNNER, name });
      }, { env })
    );
    expect(await Promise.all(others.map((child) => child.exited))).toEqual([0, 0, 0]);
    await Promise.all(own);
    const { config } = await loadConfig(path, { env });
    expect(config.runners.map(({ name }) => name).sort()).toEqual(names);
    expect(await readdir(join(folder, "new"))).toEqual(["config.toml"]);
  });

  test.if(posix)("survives a writer that dies between write and rename", async () => {
    await editConfig(path, (draft) => draft.addRunner(RUNNER), { env });
    let left: readonly string[] = [];
    for (let attempt = 0; attempt < 10 && left.length === 0; attempt++) {
      const child = run("die_before_rename", path);
      await child.exited;
      expect(child.signalCode).toBe("SIGKILL");
      left = (await readdir(join(folder, "new"))).filter((name) => name.includes(".new-"));
    }
    expect(left).toHaveLength(1);
    const { config } = await loadConfig(path, { env });
    expect(config.runners[0]?.name).toBe("a");
    await editConfig(path, (draft) => draft.setRunner(0, { name: "after" }), { env });
    expect((await loadConfig(path, { env })).config.runners[0]?.name).toBe("after");
    expect(await readdir(join(folder, "new"))).toEqual(["config.toml"]);
  });
});

describe("takeWriterLock", () => {
  const lock = () => join(folder, "lock");

  test("takes over the lock of a dead process", async () => {
    const child = Bun.spawn(["true"]);
    await child.exited;
    await writeFile(lock(), JSON.stringify({ pid: child.pid, host: hostname() }));
    await using held = await takeWriterLock(lock(), { patienceMs: 0 });
    await held.assertHeld();
  });

  test.if(process.platform === "linux")(
    "takes over when a later process has the same number",
    async () => {
      await writeFile(lock(), JSON.stringify({ pid: process.pid, host: hostname(), started: "1" }));
      await using held = await takeWriterLock(lock(), { patienceMs: 0 });
      await held.assertHeld();
    },
  );

  test("names the process that holds it when patience ends", async () => {
    await using _held = await takeWriterLock(lock());
    await expect(takeWriterLock(lock(), { patienceMs: 30 })).rejects.toThrow(
      `process ${process.pid} on ${hostname()} is writing`,
    );
  });

  test("leaves a fresh lock of another host alone", async () => {
    await writeFile(lock(), JSON.stringify({ pid: 1, host: "elsewhere" }));
    await expect(takeWriterLock(lock(), { patienceMs: 30 })).rejects.toThrow(
      "process 1 on elsewhere",
    );
  });

  test("gives up when its signal aborts", async () => {
    await using _held = await takeWriterLock(lock());
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(takeWriterLock(lock(), { signal })).rejects.toThrow("enough");
  });

  test("assertHeld throws when the lock was broken", async () => {
    await using held = await takeWriterLock(lock());
    await rm(lock());
    await expect(held.assertHeld()).rejects.toThrow("another process");
  });
});

function run(fixture: string, ...args: readonly string[]) {
  const script = join(import.meta.dir, "fixtures", `${fixture}.ts`);
  return Bun.spawn([process.execPath, script, ...args], { stdout: "inherit", stderr: "inherit" });
}
