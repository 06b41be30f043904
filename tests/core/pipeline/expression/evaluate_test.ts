import { describe, expect, test } from "bun:test";
import { holds } from "../../../../core/pipeline/expression/evaluate.ts";
import { parseExpression } from "../../../../core/pipeline/expression/parse.ts";

const VARIABLES: Readonly<Record<string, string>> = {
  BRANCH: "feature/a-1",
  TAG: "v1.2.3",
  EMPTY: "",
  BLANK: "  ",
  ONE: "1",
  TEN: "10",
  TRUE: "true",
  FALSE: "false",
  PATTERN: "/^feature\\//",
  FLAGGED: "/FEATURE/i",
  BROKEN: "/(/",
  SHORT: "/a/",
  TEXT: "a feature/a-1 b",
  LINES: "first\nsecond",
};

function value(expression: string): boolean {
  return holds(expression, (name) => VARIABLES[name]);
}

describe("holds() compares", () => {
  test.each([
    ['$BRANCH == "feature/a-1"', true],
    ["$BRANCH == 'feature/a-1'", true],
    ['$BRANCH == "main"', false],
    ['$BRANCH != "main"', true],
    ['"main" == "main"', true],
    ['"a" == $ONE', false],
    ["$ONE == $ONE", true],
    ["$ONE == $TEN", false],
    ["$UNKNOWN == null", true],
    ["$EMPTY == null", false],
    ["$EMPTY != null", true],
    ['$EMPTY == ""', true],
    ['$UNKNOWN == ""', false],
    ["null == null", true],
    ["$TRUE == true", false],
    ['$TRUE == "true"', true],
    ["true != false", true],
    ['$ONE=="1"', true],
    ['"$ONE" == "1"', false],
    ["'it is \"so\"' == 'it is \"so\"'", true],
  ])("%s", (expression, expected) => {
    expect(value(expression)).toBe(expected);
  });
});

describe("holds() takes a value alone", () => {
  test.each([
    ["$BRANCH", true],
    ["$UNKNOWN", false],
    ["$EMPTY", false],
    ["$BLANK", false],
    ["$FALSE", true],
    ['"text"', true],
    ['""', false],
    ["null", false],
    ["true", true],
    ["false", false],
    ["/any/", true],
  ])("%s", (expression, expected) => {
    expect(value(expression)).toBe(expected);
  });
});

describe("holds() matches patterns", () => {
  test.each([
    ["$BRANCH =~ /^feature/", true],
    ["$BRANCH =~ /^main/", false],
    ["$BRANCH !~ /^main/", true],
    ["$BRANCH !~ /^feature/", false],
    ["$BRANCH =~ /FEATURE/", false],
    ["$BRANCH =~ /FEATURE/i", true],
    ["$BRANCH =~ /feature\\/a/", true],
    ["$TAG =~ /^v\\d+\\.\\d+\\.\\d+$/", true],
    ["$TAG =~ /^v\\d+$/", false],
    ["$TAG =~ /(alpha|v1)/", true],
    ["$UNKNOWN =~ /^$|x/", true],
    ["$UNKNOWN =~ /.+/", false],
    ["$UNKNOWN !~ /.+/", true],
    ["$BRANCH =~ $PATTERN", true],
    ["$TAG =~ $PATTERN", false],
    ["$BRANCH =~ $FLAGGED", true],
    ["$BRANCH =~ $SHORT", true],
    ["$BRANCH =~ $UNKNOWN", false],
    ["$BRANCH !~ $UNKNOWN", true],
    ["$BRANCH =~ null", false],
    // No pattern on the right: GitLab looks for the left text in it.
    ["$BRANCH =~ $TEXT", true],
    ["$BRANCH =~ $ONE", false],
    ["$BRANCH =~ $BROKEN", false],
    ['$BRANCH =~ "feature"', false],
    ['"ea" =~ "feature"', true],
    ["$LINES =~ /^second/", false],
    ["$LINES =~ /^second/m", true],
    ["$LINES =~ /first.second/", false],
    ["$LINES =~ /first.second/s", true],
  ])("%s", (expression, expected) => {
    expect(value(expression)).toBe(expected);
  });
});

describe("holds() joins by precedence", () => {
  test.each([
    ["$ONE && $TEN", true],
    ["$ONE && $UNKNOWN", false],
    ["$UNKNOWN || $ONE", true],
    ["$UNKNOWN || $EMPTY", false],
    ["$UNKNOWN && $ONE || $TEN", true],
    ["$TEN || $ONE && $UNKNOWN", true],
    ["($TEN || $ONE) && $UNKNOWN", false],
    ["$ONE == '1' && $TEN == '10'", true],
    ["$ONE == '2' || $TEN == '10'", true],
    ["$ONE == '1' && ($TEN == '1' || $TEN == '10')", true],
    ["(($ONE))", true],
    ["$BRANCH =~ /feat/ && $TAG !~ /beta/", true],
    ["!$UNKNOWN", true],
    ["!$ONE", false],
    ["!$EMPTY", true],
    ["!($ONE && $UNKNOWN)", true],
    ["!$UNKNOWN && $ONE", true],
    ["!$ONE == false", true],
    ["! ! $ONE", true],
    // An empty text is true in Ruby, for && and || but not in the end.
    ["$EMPTY && $ONE", true],
    ["$EMPTY || $ONE", false],
  ])("%s", (expression, expected) => {
    expect(value(expression)).toBe(expected);
  });
});

describe("parseExpression() refuses", () => {
  test.each([
    ["", "Empty parse tree"],
    ["$ONE ==", "Invalid left operand"],
    ["== $ONE", "Invalid left operand"],
    ["==", "Invalid right operand"],
    ["!", "Invalid operand"],
    ["$ONE $TEN", "Unreachable nodes in parse tree"],
    ["($ONE", "Unprocessable token found in parse tree: parenthesis_open"],
    ["$ONE)", "Unmatched parenthesis"],
    ["()", "Empty parse tree"],
    ["${ONE} == 1", 'Unknown lexeme found! At "${ONE} == 1"'],
    ["$ONE = '1'", "Unknown lexeme found! At \"= '1'\""],
    ["$ONE == 1", 'Unknown lexeme found! At "1"'],
    ["$ONE and $TEN", 'Unknown lexeme found! At "and $TEN"'],
    ["$A =~ /a/", 'Unknown lexeme found! At "/a/"'],
    ["$A =~ /ab", 'Unknown lexeme found! At "/ab"'],
    ["$A =~ /(?=ab)/", "Invalid regular expression! /(?=ab)/"],
    ["$A =~ /(?<!a)b/", "Invalid regular expression! /(?<!a)b/"],
    ["$A =~ /(a)\\1/", "Invalid regular expression! /(a)\\1/"],
    ["$A =~ /a(b/", "Invalid regular expression! /a(b/"],
    ['"open', 'Unknown lexeme found! At ""open"'],
    [Array(51).fill("$A").join(" && "), "Too many tokens!"],
  ])("%s", (expression, message) => {
    expect(() => parseExpression(expression)).toThrow(message);
  });

  test("nothing up to 99 tokens", () => {
    expect(() => parseExpression(Array(50).fill("$A").join(" && "))).not.toThrow();
  });

  test("no operator behind its operands, which GitLab takes too", () => {
    expect(holds("$ONE '1' ==", (name) => VARIABLES[name])).toBe(true);
  });
});
