import { describe, expect, test } from "bun:test";
import { quotePosix, quotePosixPath } from "../../shells/quote.ts";

describe("quotePosix", () => {
  test("leaves plain words bare and quotes all others", () => {
    const table = [
      ["abc", "abc"],
      ["/a/b-c_d.e:f,g@h%i+j", "/a/b-c_d.e:f,g@h%i+j"],
      ["", "''"],
      ["a b", "'a b'"],
      ["A=b", "'A=b'"],
      ["~", "'~'"],
      ["it's", "'it'\\''s'"],
      ["$x`y`\\", "'$x`y`\\'"],
      ["a\nb", "'a\nb'"],
      ["é", "'é'"],
    ] as const;
    for (const [text, quoted] of table) expect(quotePosix(text)).toBe(quoted);
  });
});

describe("quotePosixPath", () => {
  test("keeps a path from being an option", () => {
    expect(quotePosixPath("-rf")).toBe("./-rf");
    expect(quotePosixPath("- x")).toBe("'./- x'");
    expect(quotePosixPath("/a/-b")).toBe("/a/-b");
  });
});
