import { describe, expect, test } from "bun:test";
import { PathPattern } from "../../../core/pipeline/path_pattern.ts";

describe("PathPattern matches as Ruby's fnmatch does", () => {
  test.each([
    ["Dockerfile", "Dockerfile", true],
    ["Dockerfile", "docker/Dockerfile", false],
    ["*.js", "a.js", true],
    ["*.js", "src/a.js", false],
    ["src/*", "src/a", true],
    ["src/*", "src/a/b", false],
    ["src/*.{ts,js}", "src/a.ts", true],
    ["src/*.{ts,js}", "src/a.rs", false],
    ["{a,b/{c,d}}/e", "b/d/e", true],
    ["**/*.js", "a.js", true],
    ["**/*.js", "src/lib/a.js", true],
    ["**/*.js", "src/.hidden/a.js", true],
    ["src/**/*", "src/a", true],
    ["src/**/*", "src/a/b/c", true],
    ["src/**/*", "other/a", false],
    ["src/**", "src/a", true],
    ["src/**", "src/a/b", false],
    ["**", "a/b", false],
    ["src/**/test/*.js", "src/test/a.js", true],
    ["src/**/test/*.js", "src/a/b/test/a.js", true],
    ["src/**/test/*.js", "src/a/test/b/a.js", false],
    ["a/**/b/**/c", "a/x/b/y/b/z/c", true],
    ["a/**/b/**/c", "a/x/y/c", false],
    ["?.md", "a.md", true],
    ["?.md", "ab.md", false],
    ["a?c", "a/c", false],
    ["[a-c].md", "b.md", true],
    ["[!a-c].md", "b.md", false],
    ["[^a-c].md", "d.md", true],
    ["[ab", "[ab", false],
    ["\\*.md", "*.md", true],
    ["\\*.md", "a.md", false],
    [".env", ".env", true],
    ["*", ".env", true],
    ["*a*b*c", "xaxbxbxc", true],
    ["*a*b*c", "xaxbxbx", false],
    ["README", "readme", false],
    ["äöü/*", "äöü/ß", true],
    ["", "", true],
  ])("%s on %s", (pattern, path, expected) => {
    expect(new PathPattern(pattern).matches(path)).toBe(expected);
  });
});

test("PathPattern takes no time that grows with the ways to match", () => {
  const started = performance.now();
  new PathPattern(`${"*a".repeat(50)}b`).matches("a".repeat(2_000));
  new PathPattern(`${"**/a/".repeat(50)}b`).matches("a/".repeat(1_000));
  expect(performance.now() - started).toBeLessThan(1_000);
});
