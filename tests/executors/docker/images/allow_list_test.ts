import { describe, expect, test } from "bun:test";
import { JobConfigurationError } from "../../../../core/errors.ts";
import {
  checkAllowed,
  matchesAny,
  staysPrivileged,
} from "../../../../executors/docker/images/mod.ts";
import { LineLog } from "./support.ts";

describe("matchesAny", () => {
  const cases: [string, string, boolean][] = [
    ["ruby:*", "ruby:3.3", true],
    ["ruby:*", "ruby", false],
    ["ruby:*", "evil/ruby:3.3", false],
    ["*", "ruby", true],
    ["*", "group/ruby", false],
    ["*/*", "group/ruby:1", true],
    ["**", "r.example.com:5000/group/ruby:1", true],
    ["r.example.com/**", "r.example.com/a/b/c:1", true],
    ["r.example.com/**/c:*", "r.example.com/c:1", true],
    ["r.example.com/**", "r.example.com.evil.org/a", false],
    ["r.example.com:5000/*:*", "r.example.com:5000/a:1", true],
    ["r.example.com/*", "rXexample.com/a", false],
    ["{ruby,python}:3.?", "python:3.9", true],
    ["{ruby,python}:3.?", "python:3.12", false],
    ["ruby:[23].*", "ruby:3.1", true],
    ["ruby:[!23].*", "ruby:3.1", false],
    ["ruby:\\*", "ruby:1", false],
  ];
  test.each(cases)("%s on %s is %p", (pattern, image, expected) => {
    expect(matchesAny(image, [pattern])).toBe(expected);
  });
});

describe("checkAllowed", () => {
  test("takes everything when nothing is listed", () => {
    checkAllowed("any", { what: "images", patterns: [], configured: [] }, new LineLog());
  });

  test("takes the operator's own image whatever is listed", () => {
    const list = { what: "images", patterns: ["ruby:*"], configured: ["debian:12"] } as const;
    checkAllowed("debian:12", list, new LineLog());
    expect(() => checkAllowed("debian:13", list, new LineLog())).toThrow(JobConfigurationError);
  });

  test("tells what is allowed before it refuses", () => {
    const log = new LineLog();
    const list = { what: "services", patterns: ["postgres:*", "db/**"], configured: [] } as const;
    expect(() => checkAllowed("redis", list, log)).toThrow('disallowed image "redis"');
    expect(log.lines).toEqual([
      "print ",
      'error The "redis" image is not present on list of allowed services:',
      "print - postgres:*",
      "print - db/**",
      "print ",
      expect.stringContaining(
        "print Please check runner's allowed_services configuration: https://",
      ),
    ]);
  });
});

test("staysPrivileged asks the patterns only when there are some", () => {
  expect(staysPrivileged("any", [])).toBe(true);
  expect(staysPrivileged("docker:dind", ["docker:*"])).toBe(true);
  expect(staysPrivileged("debian", ["docker:*"])).toBe(false);
});
