import { expect, test } from "bun:test";
import { environmentSlug } from "../../../../core/pipeline/variables/environment.ts";

test.each([
  ["staging", "staging"],
  ["qa-eu-1", "qa-eu-1"],
  ["exactly-twentyfour-chars", "exactly-twentyfour-chars"],
  ["Staging", "staging-p75vhx"],
  ["review/login", "review-login-py9mn2"],
  ["2nd", "env-2nd-5lw4ex"],
  ["a b  c", "a-b-c-0uiog9"],
  ["one-more-than-twentyfour-", "one-more-than-twe-r15w4b"],
  ["trailing-", "trailing"],
])("environmentSlug() of %s is %s", (name, expected) => {
  expect(environmentSlug(name)).toBe(expected);
});
