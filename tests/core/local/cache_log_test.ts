import { expect, test } from "bun:test";
import { CacheLog } from "../../../core/local/cache_log.ts";

function told(...lines: readonly string[]) {
  const log = new CacheLog(() => undefined);
  return lines.flatMap((line) => log.take(line) ?? []);
}

test("CacheLog tells what became of each cache", () => {
  expect(told(
    "Checking cache for deps-1...",
    "WARNING: Cache file does not exist",
    "Failed to extract cache",
    "Checking cache for tools...",
    "Successfully extracted cache",
    "Creating cache deps-1...",
    "vendor: found 12 matching artifact files and directories",
    "lib: found 3 matching artifact files and directories",
    "Created cache",
  )).toMatchObject([
    { action: "skip", key: "deps-1", message: "Cache file does not exist" },
    { action: "extract", key: "tools", files: null },
    { action: "create", key: "deps-1", files: 15 },
  ]);
});

test("CacheLog takes no other line for the end of a cache", () => {
  expect(told("Created cache", "Successfully extracted cache")).toEqual([]);
});
