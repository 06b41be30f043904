import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { coverageOf } from "../../../core/local/coverage.ts";

function read(text: string, pattern: string): number | undefined {
  const directory = mkdtempSync(join(tmpdir(), "coverage-"));
  try {
    const log = join(directory, "log");
    writeFileSync(log, text);
    return coverageOf(log, pattern);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("coverageOf() takes the last line that has one", () => {
  const pattern = "/cov: \\d+%/";
  expect(read("cov: 1%\r\ncov: 2%\r\nend\n", pattern)).toBe(2);
  expect(read("cov: 7%", pattern)).toBe(7);
  expect(read("\n\n", pattern)).toBeUndefined();
  expect(read("", pattern)).toBeUndefined();
});

test("coverageOf() takes the last match of a line, and the last group of it", () => {
  expect(read("10% of 20%\n", "/\\d+%/")).toBe(20);
  expect(read("lines 80.5 branches 61.25\n", "/lines ([\\d.]+) branches ([\\d.]+)/")).toBe(61.25);
  expect(read("TOTAL 12 3 75%\n", "/(?i)total.*? (\\d+(?:\\.\\d+)?)%/")).toBe(75);
});

test("coverageOf() goes on to earlier lines when a match has no number", () => {
  expect(read("cov: 3\ncov: none\n", "/cov: \\w+/")).toBe(3);
});

test("coverageOf() reads patterns as RE2 does", () => {
  expect(read("Coverage: 42%\n", "/\\QCoverage: \\E(?P<n>[[:digit:]]+)%\\z/")).toBe(42);
  expect(read("Coverage: 42%\n", "/(?=4)/")).toBeUndefined();
});

test("coverageOf() finds lines across the pieces that it reads", () => {
  const filler = `${"x".repeat(99)}\n`.repeat(1000);
  const long = "y".repeat(150_000);
  expect(read(`cov: 5%\n${filler}`, "/cov: \\d+%/")).toBe(5);
  expect(read(`${filler}${long} cov: 6% ${long}\n${filler}`, "/cov: \\d+%/")).toBe(6);
});
