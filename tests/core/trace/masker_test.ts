import { describe, expect, test } from "bun:test";
import { Masker, MaskRules, tokenPrefixes } from "../../../core/trace/masker.ts";

function masking(secrets: readonly string[], prefixes = tokenPrefixes([], { all: true })) {
  const rules = new MaskRules(prefixes);
  rules.addValues(secrets);
  const out = { text: "" };
  const masker = new Masker(rules, (bytes) => {
    out.text += Buffer.from(bytes).toString("utf8");
  });
  return { rules, out, masker, write: (text: string) => masker.write(Buffer.from(text)) };
}

function masked(text: string, secrets: readonly string[] = []): string {
  const { masker, write, out } = masking(secrets);
  write(text);
  masker.flush();
  return out.text;
}

describe("Masker and masked values", () => {
  test("hides a secret split across two writes", () => {
    const { write, out } = masking(["S3cr3t-Value"]);
    write("split:S3cr3t");
    expect(out.text).toBe("split:");
    write("-Value:\n");
    expect(out.text).toBe("split:[MASKED]:\n");
  });

  test("replaces each of two secrets that touch", () => {
    expect(masked("secretsecret", ["secret"])).toBe("[MASKED][MASKED]");
  });

  test("prefers the longest value and hides overlapping ones as one", () => {
    expect(masked("x password-long y", ["password", "password-long"])).toBe("x [MASKED] y");
    expect(masked("<abcdefgh>", ["abcdef", "efgh"])).toBe("<[MASKED]>");
  });

  test("shows at once what cannot be the start of a secret, and the rest when flushed", () => {
    const { masker, write, out } = masking(["secret-value"]);
    write("Password? secr");
    expect(out.text).toBe("Password? ");
    masker.flush();
    expect(out.text).toBe("Password? secr");
    write("et-value");
    masker.flush();
    expect(out.text).toBe("Password? secret-value");
  });

  test("hides values that are added in mid-job, and ignores empty ones", () => {
    const { rules, write, out } = masking([""]);
    write("late-secret ");
    rules.addValues(["late-secret"]);
    write("late-secret ");
    expect(out.text).toBe("late-secret [MASKED] ");
  });

  test("hides values of one to three bytes and values with line feeds", () => {
    expect(masked("a-b-ab-abc", ["b"])).toBe("a-[MASKED]-a[MASKED]-a[MASKED]c");
    expect(masked("x ab abc", ["abc", "ab"])).toBe("x [MASKED] [MASKED]");
    expect(masked("key:\nline1\nline2\n", ["line1\nline2"])).toBe("key:\n[MASKED]\n");
    expect(masked("schlüssel=ü☃", ["ü☃"])).toBe("schlüssel=[MASKED]");
  });
});

describe("Masker and URL parameters", () => {
  test("hides values up to the next parameter, blank, quote or line's end, in any case", () => {
    expect(masked("GET /a?private_token=abc&b=1 x")).toBe("GET /a?private_token=[MASKED]&b=1 x");
    expect(masked('"u?x=1&X-Amz-Signature=0f%2F"\n')).toBe('"u?x=1&X-Amz-Signature=[MASKED]"\n');
    expect(masked("?rss_token=a\n?authenticity_token=b c")).toBe(
      "?rss_token=[MASKED]\n?authenticity_token=[MASKED] c",
    );
    expect(masked("?X-Amz-Credential=a&X-Amz-Security-Token=b")).toBe(
      "?X-Amz-Credential=[MASKED]&X-Amz-Security-Token=[MASKED]",
    );
  });

  test("leaves names that are no URL parameter and empty values", () => {
    expect(masked("private_token=abc ?private_token=&x")).toBe(
      "private_token=abc ?private_token=&x",
    );
  });

  test("hides a value that comes in many writes, without holding anything back", () => {
    const { write, out } = masking([]);
    for (const letter of "u?private_to") write(letter);
    expect(out.text).toBe("u?private_to");
    for (const letter of "ken=secret&x") write(letter);
    expect(out.text).toBe("u?private_token=[MASKED]&x");
  });
});

describe("Masker and token prefixes", () => {
  test("prints the prefix and hides the token characters behind it", () => {
    expect(masked("glpat-abc.DEF_1-2=3 end")).toBe("glpat-[MASKED] end");
    expect(masked("_gitlab_session=abc; gltok-x")).toBe("_gitlab_session=[MASKED]; gltok-[MASKED]");
  });

  test("tokenPrefixes: glpat- always, the others by flag, at most 15 of the coordinator's", () => {
    expect(tokenPrefixes([], { all: false })).toEqual(["glpat-"]);
    expect(tokenPrefixes([], { all: true })).toContain("glrtr-");
    const theirs = Array.from({ length: 20 }, (_, i) => `p${i}-`);
    expect(tokenPrefixes(theirs, { all: false })).toEqual(["glpat-", ...theirs.slice(0, 15)]);
  });

  test("hides behind a coordinator's prefix, also when it begins like another one", () => {
    const { masker, write, out } = masking([], tokenPrefixes(["gl", "acme_"], { all: true }));
    write("acme_123 glp");
    write("at-abc");
    masker.flush();
    expect(out.text).toBe("acme_[MASKED] gl[MASKED]");
  });

  test("forgets an open token when flushed", () => {
    const { masker, write, out } = masking([]);
    write("glpat-abc");
    masker.flush();
    write("next stage");
    expect(out.text).toBe("glpat-[MASKED]next stage");
  });
});
