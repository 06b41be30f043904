import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPendingFile } from "../../../core/cache/local_archive.ts";

test("openPendingFile removes what a killed writer left an hour ago, and nothing else", () => {
  const directory = mkdtempSync(join(tmpdir(), "runner-cache-"));
  try {
    const hours = { fresh: 0.9, old: 1.1 };
    const names = {
      [`archive_${"a".repeat(16)}`]: hours.fresh,
      [`archive_${"b".repeat(16)}`]: hours.old,
      "archive_of_somebody": hours.old,
      "cache.zip": hours.old,
    };
    for (const [name, age] of Object.entries(names)) {
      writeFileSync(join(directory, name), "");
      utimesSync(join(directory, name), new Date(), Date.now() / 1000 - age * 3600);
    }
    using pending = openPendingFile(join(directory, "cache.zip"));
    expect(readdirSync(directory).map((name) => join(directory, name))).toContain(pending.path);
    pending.commit();
    expect(readdirSync(directory).sort()).toEqual([
      `archive_${"a".repeat(16)}`,
      "archive_of_somebody",
      "cache.zip",
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
