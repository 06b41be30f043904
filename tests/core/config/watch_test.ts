import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigWatch, watchConfig } from "../../../core/config/watch.ts";

/** What the watcher promises when the file system tells of changes. */
const PROMISED_MS = 1000;

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watch-"));
  path = join(folder, "conf", "config.toml");
  await mkdir(join(folder, "conf"));
  await writeFile(path, "concurrent = 1\n");
});
afterEach(() => rm(folder, { recursive: true }));

describe("watchConfig", () => {
  test("sees a file that is written in place", async () => {
    using seen = await watched();
    await writeFile(path, "concurrent = 2\n");
    expect(await seen.next()).toBe(2);
    await appendFile(path, "check_interval = 9\n");
    expect(await seen.next()).toBe(2);
  });

  test("sees a file that is replaced, again and again", async () => {
    using seen = await watched();
    for (const concurrent of [2, 3, 4]) {
      await writeFile(`${path}.new`, `concurrent = ${concurrent}\n`);
      await rename(`${path}.new`, path);
      expect(await seen.next()).toBe(concurrent);
    }
  });

  test("calls back once for several writes in a row", async () => {
    using seen = await watched();
    for (let concurrent = 2; concurrent < 8; concurrent++) {
      await writeFile(path, `concurrent = ${concurrent}\n`);
      await Bun.sleep(10);
    }
    expect(await seen.next()).toBe(7);
    await Bun.sleep(200);
    expect(seen.pending).toEqual([]);
  });

  test("reports a broken file and a missing one, and then the repaired one", async () => {
    using seen = await watched();
    await writeFile(path, "concurrent = \n");
    expect(await seen.next()).toBe("config.toml:1:14 invalid value");
    await rm(path);
    expect(await seen.next()).toContain("the file does not exist");
    await writeFile(path, "concurrent = 5\n");
    expect(await seen.next()).toBe(5);
  });

  test("sees the target of a link change, and the link turn elsewhere", async () => {
    const link = join(folder, "link.toml");
    await symlink(path, link);
    using seen = await watched({ path: link });
    await writeFile(path, "concurrent = 2\n");
    expect(await seen.next()).toBe(2);
    await writeFile(join(folder, "other.toml"), "concurrent = 3\n");
    await symlink(join(folder, "other.toml"), `${link}.new`);
    await rename(`${link}.new`, link);
    expect(await seen.next()).toBe(3);
    await writeFile(join(folder, "other.toml"), "concurrent = 4\n");
    expect(await seen.next()).toBe(4);
  });

  test("finds by polling what no event tells", async () => {
    using seen = await watched({ pollMs: 50 });
    await rm(join(folder, "conf"), { recursive: true });
    expect(await seen.next()).toContain("the file does not exist");
    await mkdir(join(folder, "conf"));
    await writeFile(path, "concurrent = 6\n");
    expect(await seen.next()).toBe(6);
  });

  test("reload loads a file that has not changed", async () => {
    using seen = await watched();
    await seen.watch.reload();
    expect(seen.pending).toEqual([1]);
  });

  test("is silent after dispose", async () => {
    const seen = await watched();
    seen[Symbol.dispose]();
    await writeFile(path, "concurrent = 2\n");
    await Bun.sleep(250);
    expect(seen.pending).toEqual([]);
  });
});

interface Watched extends Disposable {
  readonly watch: ConfigWatch;
  /** Not yet asked for: `concurrent` of each loaded file, or the message of an error. */
  readonly pending: (number | string)[];
  /** The next of them; fails when it takes longer than promised. */
  next(): Promise<number | string>;
}

async function watched(options: { path?: string; pollMs?: number } = {}): Promise<Watched> {
  const pending: (number | string)[] = [];
  let wake = () => {};
  const add = (item: number | string) => {
    pending.push(item);
    wake();
  };
  const watch = await watchConfig(options.path ?? path, {
    env: {},
    onChange: ({ config }) => add(config.concurrent),
    onError: (error) => add(error.message),
    ...(options.pollMs !== undefined && { pollMs: options.pollMs }),
  });
  return {
    watch,
    pending,
    async next() {
      const until = performance.now() + PROMISED_MS;
      while (pending.length === 0) {
        if (performance.now() > until) throw new Error("No callback in time");
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await Promise.race([promise, Bun.sleep(until - performance.now())]);
      }
      return pending.shift() ?? "";
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}
