/** Expressions and regular expressions of rules: nothing but the promised errors, and RE2's answers. */

import { expect, test } from "bun:test";
import { holds } from "../../core/pipeline/expression/evaluate.ts";
import { ExpressionError } from "../../core/pipeline/expression/expression.ts";
import { RegexSyntaxError } from "../../core/pipeline/regex/node.ts";
import { Regex } from "../../core/pipeline/regex/regex.ts";

const RUNS = 3_000;

/** The same choices for the same seed, so that a failure can be had again. */
function picker(seed: number): <T>(choices: readonly T[]) => T {
  let state = seed;
  return (choices) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return choices[Math.floor((state / 2 ** 32) * choices.length)]!;
  };
}

type Pick = ReturnType<typeof picker>;

const PARTS = [
  ...["$A", "$UNKNOWN", '"text"', "'x'", "/^te/", "/(/", "null", "true", "nul"],
  ...["==", "!=", "=~", "!~", "&&", "||", "!", "(", ")", " ", "$", '"', "/", "\\", "€", "\n"],
];

test("expressions made of anything hold, do not hold, or are refused", () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const pick = picker(seed);
    const parts = Array.from({ length: pick([1, 2, 3, 5, 8, 13, 60]) }, () => pick(PARTS));
    const text = parts.join(pick(["", " "]));
    try {
      holds(text, (name) => name === "A" ? "text" : undefined);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw new Error(`${text}: ${error}`);
    }
  }
});

/** What JavaScript and RE2 mean the same by. */
function pattern(pick: Pick, depth: number): string {
  const atom = (): string => {
    const choice = depth > 3 ? pick(["char", "class"]) : pick(["char", "class", "group", "choice"]);
    switch (choice) {
      case "char":
        return pick(["a", "b", "c", "-", "_", "\\.", "\\/", "1", "ä", ".", "\\d", "\\w", "\\b"]);
      case "class":
        return pick(["[ab]", "[^ab]", "[a-c1]", "[-a]", "[a-]", "[\\d_]", "[^\\w]", "[.]"]);
      case "group":
        return `(${pick(["", "?:"])}${pattern(pick, depth + 1)})`;
      default:
        return `(?:${pattern(pick, depth + 1)}|${pattern(pick, depth + 1)})`;
    }
  };
  const repeated = (): string => {
    const one = atom();
    return one === "\\b"
      ? one
      : one + pick(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"]);
  };
  const parts = Array.from({ length: pick([1, 2, 3]) }, repeated);
  return pick(["", "", "^"]) + parts.join("") + pick(["", "", "$"]);
}

function subject(pick: Pick): string {
  const chars = ["a", "b", "c", "1", "-", "_", ".", "/", "ä", "A", " "];
  return Array.from({ length: pick([0, 1, 2, 4, 8]) }, () => pick(chars)).join("");
}

test("Regex answers as JavaScript does where both mean the same", () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const pick = picker(seed);
    const source = pattern(pick, 0);
    const flag = pick(["", "", "i"]);
    const ours = new Regex(flag === "" ? source : `(?i)${source}`);
    const theirs = new RegExp(source, flag);
    for (let round = 0; round < 5; round++) {
      const text = subject(pick);
      expect([source, flag, text, ours.test(text)]).toEqual([
        source,
        flag,
        text,
        theirs.test(text),
      ]);
    }
  }
});

test("Regex takes or refuses whatever is written, in little time", () => {
  const chars = [
    ..."ab()[]{}|*+?^$.\\-,:12dwpPQEiLx<>=!",
    "\\d",
    "(?",
    "[^",
    "{2,",
    "\\x{",
    "\\p{",
  ];
  for (let seed = 1; seed <= RUNS; seed++) {
    const pick = picker(seed);
    const source = Array.from({ length: pick([1, 3, 6, 12, 24]) }, () => pick(chars)).join("");
    try {
      new Regex(source).test("ab12ab");
    } catch (error) {
      if (!(error instanceof RegexSyntaxError)) throw new Error(`${source}: ${error}`);
    }
  }
});
