import { describe, expect, test } from "bun:test";
import { patternOf } from "../../../../core/pipeline/regex/pattern.ts";
import { Regex } from "../../../../core/pipeline/regex/regex.ts";

describe("Regex matches as RE2 does", () => {
  test.each([
    ["abc", "xabcx", true],
    ["abc", "xabx", false],
    ["", "", true],
    ["", "x", true],
    ["^$", "", true],
    ["^$", "x", false],
    ["^a$", "a\n", false],
    ["a|bc|d", "xbcx", true],
    ["^(a|bc)+$", "abcbca", true],
    ["^(a|bc)+$", "abcb", false],
    ["ab*c", "ac", true],
    ["ab+c", "ac", false],
    ["ab?c", "abbc", false],
    ["^a{2,3}$", "aaa", true],
    ["^a{2,3}$", "aaaa", false],
    ["^a{2}$", "aaa", false],
    ["^a{2,}$", "aaaaa", true],
    ["a{,2}", "a{,2}", true],
    ["a{x}", "a{x}", true],
    ["a.c", "a\nc", false],
    ["(?s)a.c", "a\nc", true],
    ["a.c", "a\u2028c", true],
    ["(?i)äb", "ÄB", true],
    ["(?i:a)b", "AB", false],
    ["(?i)a(?-i)b", "AB", false],
    ["(?i)a(?-i)b", "Ab", true],
    ["(a(?i)b)c", "aBC", false],
    ["(?m)^b$", "a\nb\nc", true],
    ["\\Ab", "a\nb", false],
    ["b\\z", "a\nb", true],
    ["\\bfoo\\b", "a foo b", true],
    ["\\bfoo\\b", "afoob", false],
    ["\\Bo", "fo", true],
    ["[a-c]", "b", true],
    ["[^a-c]", "b", false],
    ["[]a]", "]", true],
    ["[^]a]", "]", false],
    ["[a-]", "-", true],
    ["[-a]", "-", true],
    ["[\\d.]+$", "1.2", true],
    ["[\\]]", "]", true],
    ["[[:alpha:]_]", "_", true],
    ["[[:^digit:]]", "1", false],
    ["[[:upper:]]", "a", false],
    ["\\d\\D\\w\\W\\s\\S", "1aa. x", true],
    ["\\d", "٣", false],
    ["\\s", "\v", false],
    ["\\p{Greek}", "λ", true],
    ["\\pL", "é", true],
    ["\\P{Lu}", "A", false],
    ["\\p{^Lu}", "A", false],
    ["^\\Qa.b\\E+$", "a.bbb", true],
    ["\\Qa.b\\E", "axb", false],
    ["\\x41\\x{1F600}", "A😀", true],
    ["^.$", "😀", true],
    ["\\101", "A", true],
    ["a\\/b", "a/b", true],
    ["(?P<year>\\d{4})", "2026", true],
    ["(?<year>\\d{4})", "2026", true],
    ["(?:a|b)c", "bc", true],
    ["a*?b", "aab", true],
    ["a||b", "x", true],
    ["(|a)b", "b", true],
    ["(a*)*b", "aaab", true],
    ["(a*)+$", "aaab", true],
  ])("%s on %j", (source, text, expected) => {
    expect(new Regex(source).test(text)).toBe(expected);
  });
});

describe("Regex refuses, in RE2's words", () => {
  test.each([
    ["a(b", "missing closing ): a(b"],
    ["a)b", "unexpected ): a)b"],
    ["[a", "missing closing ]: [a"],
    ["[", "missing closing ]: ["],
    ["[z-a]", "invalid character class range: z-a"],
    ["[[:nope:]]", "invalid character class range: [:nope:]"],
    ["\\p{Nope}", "invalid character class range: \\p{Nope}"],
    ["*a", "no argument for repetition operator: *"],
    ["a|*", "no argument for repetition operator: *"],
    ["a**", "bad repetition operator: **"],
    ["a+{2}", "bad repetition operator: +{2}"],
    ["a{1001}", "invalid repetition size: {1001}"],
    ["a{2,1}", "invalid repetition size: {2,1}"],
    ["(?=a)", "invalid perl operator: (?="],
    ["(?!a)", "invalid perl operator: (?!"],
    ["(?<=a)b", "invalid perl operator: (?<"],
    ["(?>a)", "invalid perl operator: (?>"],
    ["(a)\\1", "invalid escape sequence: \\1"],
    ["\\Z", "invalid escape sequence: \\Z"],
    ["\\y", "invalid escape sequence: \\y"],
    ["a\\", "trailing \\ at end of regular expression"],
    ["((a{100}){100}){100}", "pattern too large - compile failed"],
  ])("%s", (source, message) => {
    expect(() => new Regex(source)).toThrow(message);
  });
});

describe("patternOf()", () => {
  test.each([
    ["/a/", "a", true],
    ["/A/i", "a", true],
    ["/a\\/b/", "a/b", true],
    ["//", "x", true],
    ["text\n/^b/", "b", true],
  ])("reads %j", (text, subject, expected) => {
    expect(patternOf(text)?.test(subject)).toBe(expected);
  });

  test.each(["a", "/a", "a/", "/a/x", "/(/", ""])("takes %j for no pattern", (text) => {
    expect(patternOf(text)).toBeUndefined();
  });
});

test.each([
  ["(a+)+$", `${"a".repeat(5_000)}b`],
  ["(a|a)*b", "a".repeat(5_000)],
  ["(.*,){20}x", "a,".repeat(2_500)],
  ["^((((a?){10}){10}){10})$", `${"a".repeat(500)}b`],
  ["(((){1000}){1000}){1000}", "x"],
])("Regex %s takes no time that grows with the ways to match", (source, text) => {
  const started = performance.now();
  new Regex(source).test(text);
  expect(performance.now() - started).toBeLessThan(2_000);
});

describe("Regex finds the matches that RE2 finds", () => {
  test.each([
    ["a|ab", "xabab", ["a", "a"]],
    ["ab|a", "xabab", ["ab", "ab"]],
    ["a+", "aab a", ["aa", "a"]],
    ["a+?", "aab", ["a", "a"]],
    ["(?U)a+", "aab", ["a", "a"]],
    ["(?U)a+?", "aab", ["aa"]],
    ["a{2,3}", "aaaaa", ["aaa", "aa"]],
    ["a{2,3}?", "aaaaa", ["aa", "aa"]],
    ["x*", "axb", ["", "x", "", ""]],
    ["\\bfoo", "foo foo", ["foo", "foo"]],
    ["^a", "aa", ["a"]],
    ["ä.", "xäö😀äü", ["äö", "äü"]],
    ["none", "a", []],
  ])("%s in %j", (source, text, found) => {
    expect(new Regex(source).matches(text).map((match) => match.text)).toEqual(found);
  });

  test.each([
    ["(a)(b)?(c)", "ac", ["a", undefined, "c"]],
    ["(\\d+)\\.(\\d+)%", "Total 12.50%", ["12", "50"]],
    ["(?P<all>(a|b)+)", "xabb", ["abb", "b"]],
    ["(?:a)(?i)(B)", "ab", ["b"]],
    ["(a*)+", "aa", ["aa"]],
    ["", "", []],
  ])("groups of %s in %j", (source, text, groups) => {
    expect(new Regex(source).matches(text)[0]?.groups).toEqual(groups);
  });

  test("in time linear in the text, whatever the pattern", () => {
    const started = performance.now();
    expect(new Regex("(a*)*(a*)*b").matches("a".repeat(5000))).toEqual([]);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
