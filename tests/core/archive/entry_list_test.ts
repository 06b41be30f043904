import { expect, test } from "bun:test";
import type { ArchiveEntry } from "../../../core/archive/entry.ts";
import { EntryList } from "../../../core/archive/entry_list.ts";

const metadata = { mode: 0o644, mtimeMs: 1_700_000_000_123.5, uid: 4_294_967_294, gid: 7 };

test("EntryList gives back what was added, in the order of paths once it is sorted", () => {
  const entries: ArchiveEntry[] = [
    { ...metadata, path: "b/ü.txt", kind: "file", size: 5 * 2 ** 40 },
    { ...metadata, path: "b", kind: "directory" },
    { ...metadata, path: "a", kind: "symlink", target: "../elsewhere" },
    { ...metadata, path: "empty", kind: "file", size: 0 },
  ];
  const list = new EntryList();
  expect(entries.map((entry) => list.add(entry))).toEqual([0, 1, 2, 3]);
  expect([...list]).toEqual(entries);
  expect(list.at(2)).toEqual(entries[2]!);
  list.sort();
  expect([...list].map(({ path }) => path)).toEqual(["a", "b", "b/ü.txt", "empty"]);
  expect(list.length).toBe(4);
});

test("EntryList grows", () => {
  const list = new EntryList();
  for (let n = 0; n < 1000; n++) list.add({ ...metadata, path: `${n}`, kind: "file", size: n });
  expect([...list].map((entry) => entry.kind === "file" && entry.size))
    .toEqual(Array.from({ length: 1000 }, (_, n) => n));
});
