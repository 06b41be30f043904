import { describe, expect, test } from "bun:test";
import { expandWord, parametersOf } from "../../../core/util/expand_word.ts";

const VALUES: Readonly<Record<string, string>> = {
  DIR: "build/out",
  EMPTY: "",
  FILE: "a.tar.gz",
  NESTED: "$DIR",
  ODD: "x*y[z]",
  UMLAUT: "äöü",
};

/** Texts that bash, dash and busybox read alike. */
const TEXTS = [
  "plain/*.txt",
  "$DIR/x",
  "${DIR}x",
  "$DIRx|$MISSING|$EMPTY",
  "$NESTED",
  "${DIR:-other}|${EMPTY:-other}|${MISSING:-other}|${EMPTY-other}|${MISSING-other}",
  "${MISSING:-${DIR:-x}/y}",
  "${MISSING:-a b}",
  "${DIR:+yes}|${EMPTY:+yes}|${MISSING:+yes}|${EMPTY+yes}|${MISSING+yes}",
  "${#DIR}|${#EMPTY}|${#MISSING}",
  "${FILE%.*}|${FILE%%.*}|${FILE#*.}|${FILE##*.}",
  "${FILE%.gz}|${FILE%.zip}|${FILE#[ab].}|${FILE#[!ab].}|${FILE#?.}",
  "${DIR%/*}|${DIR##*/}",
  "${ODD%[*}",
  "\\$DIR|\\\\|\\x|dir\\file",
  "100$|$ x|$.",
  "a{b,c}~",
];

describe("expandWord()", () => {
  test("does what a shell does between double quotes", async () => {
    for (const text of TEXTS) {
      const shell = Bun.spawn(["sh", "-c", `printf %s "${text.replaceAll('"', '\\"')}"`], {
        env: { ...VALUES },
        stdout: "pipe",
        stderr: "inherit",
      });
      const expected = await new Response(shell.stdout).text();
      expect({ text, value: expandWord(text, (name) => VALUES[name]) })
        .toEqual({ text, value: expected });
    }
  });

  test("counts characters, not bytes", () => {
    expect(expandWord("${#UMLAUT}", (name) => VALUES[name])).toBe("3");
  });

  test("sees no parameters of a script", () => {
    expect(expandWord("a$1b$*c$#d$?e$$f${@}g", () => "never")).toBe("abcdefg");
  });

  test("refuses what would run something, and what it cannot read", () => {
    for (const text of ["$(id)", "`id`", "$((1+1))", "${X:-$(id)}"]) {
      expect(() => expandWord(text, () => undefined)).toThrow("command substitution");
    }
    expect(() => expandWord("${X", () => "x")).toThrow("bad substitution");
    expect(() => expandWord("${X:-y", () => "x")).toThrow("a ${ has no }");
    for (const text of ["${}", "${X/a/b}", "${X y}", "${.x}"]) {
      expect(() => expandWord(text, () => "x")).toThrow("bad substitution");
    }
  });

  test("demands a parameter in the words of the text", () => {
    expect(() => expandWord("${X:?set it}", () => undefined)).toThrow("X: set it");
    expect(() => expandWord("${X?}", () => undefined)).toThrow("X: parameter null or not set");
    expect(expandWord("${X?}", () => "")).toBe("");
  });
});

test("parametersOf() finds every name once, also inside of others", () => {
  expect(parametersOf("$A/${B:-$C}/${#D}/$A/${E%$F}/$1/$$")).toEqual([
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
  ]);
});
