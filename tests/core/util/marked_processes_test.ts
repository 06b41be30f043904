import { describe, expect, test } from "bun:test";
import { delay } from "../../../core/util/abort.ts";
import { parseStat } from "../../../core/util/proc_table.ts";
import { descendants, findMarked, parsePs } from "../../../core/util/marked_processes.ts";

const row = (pid: number, parent: number, session = 0, marked = false) => ({
  pid,
  parent,
  group: pid,
  session,
  marked,
});

describe("descendants", () => {
  test("has marked rows, the leader's session, and all below, in any order", () => {
    const rows = [
      row(14, 13),
      row(13, 12),
      row(12, 1, 0, true),
      row(20, 1, 99),
      row(21, 20),
      row(30, 1, 30),
    ];
    const found = descendants(rows, { pid: 99, startedAt: 0 }).map(({ pid }) => pid);
    expect(found).toEqual([14, 13, 12, 20, 21]);
  });

  test("never has this process, not even below a marked one", () => {
    expect(descendants([row(12, 1, 0, true), row(process.pid, 12)]).map(({ pid }) => pid)).toEqual([
      12,
    ]);
  });
});

describe("parseStat", () => {
  test("reads a name with spaces and parentheses", () => {
    expect(parseStat(7, "7 (a) b) S 3 4 5 0 -1")).toEqual({
      pid: 7,
      parent: 3,
      group: 4,
      session: 5,
      marked: false,
    });
  });

  test("leaves out zombies", () => {
    expect(parseStat(7, "7 (sh) Z 3 4 5 0 -1")).toBeUndefined();
  });
});

describe("parsePs", () => {
  test("finds the mark in macOS's output and leaves out zombies", () => {
    const text = "    1     0     1 Ss   /sbin/launchd\n" +
      "  812     1   812 S+   sleep 60 PATH=/bin M=x-1 HOME=/Users/a\n" +
      "  813   812   812 Z    (sleep)\n";
    expect(parsePs(text, "M=x-1")).toEqual([
      { pid: 1, parent: 0, group: 1, session: 0, marked: false },
      { pid: 812, parent: 1, group: 812, session: 0, marked: true },
    ]);
  });
});

describe("findMarked", () => {
  test("finds a marked process with and without its leader known", async () => {
    const mark = `RUNNER_TEST=${crypto.randomUUID()}`;
    const [name = "", value = ""] = mark.split("=");
    const startedAt = performance.now();
    const child = Bun.spawn(["setsid", "-w", "sleep", "60"], {
      env: { PATH: "/usr/bin:/bin", [name]: value },
    });
    const leader = { pid: child.pid, startedAt };
    try {
      await delay(50);
      const known = (await findMarked(mark, leader)).map(({ pid }) => pid);
      const unknown = (await findMarked(mark)).map(({ pid }) => pid);
      const old = (await findMarked(mark, { ...leader, startedAt: startedAt - 10_000 })).map((
        { pid },
      ) => pid);
      expect(known).toContain(child.pid);
      expect(unknown).toEqual(known);
      expect(old).toEqual(known);
      expect(await findMarked(`${mark}x`)).toEqual([]);
    } finally {
      for (const { pid } of await findMarked(mark)) process.kill(pid, "SIGKILL");
      await child.exited;
    }
    expect(await findMarked(mark)).toEqual([]);
  });

  test("tells trees apart that are asked for at the same time, one with a large environment", async () => {
    const trees = Array.from({ length: 5 }, (_, index) => {
      const value = crypto.randomUUID();
      const startedAt = performance.now() - index * 1000;
      const child = Bun.spawn(["sh", "-c", "setsid sleep 60 & wait"], {
        env: {
          PATH: "/usr/bin:/bin",
          ...(index === 0 ? { A: "a".repeat(100_000) } : {}),
          RUNNER_TEST: value,
        },
      });
      return { mark: `RUNNER_TEST=${value}`, child, leader: { pid: child.pid, startedAt } };
    });
    try {
      await delay(100);
      const found = await Promise.all(trees.map(({ mark, leader }) => findMarked(mark, leader)));
      for (const [index, rows] of found.entries()) {
        const own = trees[index]?.child.pid ?? 0;
        const others = trees.map(({ child }) => child.pid).filter((pid) => pid !== own);
        expect(rows.length).toBeGreaterThanOrEqual(2);
        expect(rows.map(({ pid }) => pid)).toContain(own);
        for (const { pid, parent } of rows) {
          expect(others).not.toContain(pid === own ? pid : parent);
        }
      }
    } finally {
      for (const { mark, child } of trees) {
        for (const { pid } of await findMarked(mark)) process.kill(pid, "SIGKILL");
        await child.exited;
      }
    }
  });

  test("lets other work go on while it reads a table of hundreds", async () => {
    const mark = `RUNNER_TEST=${crypto.randomUUID()}`;
    const [name = "", value = ""] = mark.split("=");
    const script = "for i in $(seq 600); do sleep 60 & done; echo ready; wait";
    const child = Bun.spawn(["sh", "-c", script], {
      env: { PATH: "/usr/bin:/bin", [name]: value },
      stdout: "pipe",
    });
    try {
      await child.stdout.getReader().read();
      let turns = 0;
      let reading = true;
      const count = () => void (reading && setImmediate(count, ++turns));
      setImmediate(count);
      const found = await findMarked(mark);
      reading = false;
      expect(found.length).toBeGreaterThanOrEqual(601);
      expect(turns).toBeGreaterThan(2);
    } finally {
      for (const { pid } of await findMarked(mark)) process.kill(pid, "SIGKILL");
      await child.exited;
    }
  }, 20_000);
});
