import { expect, test } from "bun:test";
import { includePattern } from "../../../../core/pipeline/include/path_pattern.ts";

function matches(pattern: string, paths: readonly string[]): string[] {
  const compiled = includePattern(pattern);
  return paths.filter((path) => compiled.test(path));
}

const PATHS = ["ci/a.yml", "ci/b/c.yml", "ci/b/d/e.yml", "a.yml", "ci/axyml"];

test("includePattern takes one star for names within a folder", () => {
  expect(matches("/ci/*.yml", PATHS)).toEqual(["ci/a.yml"]);
  expect(matches("ci/*/*.yml", PATHS)).toEqual(["ci/b/c.yml"]);
});

test("includePattern takes two stars for everything below", () => {
  expect(matches("ci/**.yml", PATHS)).toEqual(["ci/a.yml", "ci/b/c.yml", "ci/b/d/e.yml"]);
  expect(matches("ci/**/*.yml", PATHS)).toEqual(["ci/b/c.yml", "ci/b/d/e.yml"]);
});
