/** Backslash sequences and named classes of RE2's syntax. */

import { RegexSyntaxError } from "./node.ts";

type Ranges = readonly (readonly [number, number])[];

const DIGITS: Ranges = [[0x30, 0x39]];
const SPACES: Ranges = [[0x09, 0x0a], [0x0c, 0x0d], [0x20, 0x20]];
const WORD: Ranges = [[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const LOWER: Ranges = [[0x61, 0x7a]];
const UPPER: Ranges = [[0x41, 0x5a]];
const PUNCT: Ranges = [[0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]];

const PERL: Readonly<Record<string, Ranges>> = { d: DIGITS, s: SPACES, w: WORD };

const POSIX: Readonly<Record<string, Ranges>> = {
  alnum: [...DIGITS, ...UPPER, ...LOWER],
  alpha: [...UPPER, ...LOWER],
  ascii: [[0, 0x7f]],
  blank: [[0x09, 0x09], [0x20, 0x20]],
  cntrl: [[0, 0x1f], [0x7f, 0x7f]],
  digit: DIGITS,
  graph: [[0x21, 0x7e]],
  lower: LOWER,
  print: [[0x20, 0x7e]],
  punct: PUNCT,
  space: [[0x09, 0x0d], [0x20, 0x20]],
  upper: UPPER,
  word: WORD,
  xdigit: [...DIGITS, [0x41, 0x46], [0x61, 0x66]],
};

const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** Members of a class: ranges, or a test where ranges cannot say it. */
export interface Members {
  readonly ranges: Ranges;
  readonly tests: readonly ((char: number) => boolean)[];
}

/** A class such as `\d`, `\W` or `\p{Lu}` at `at`, and where it ends; undefined: no class stands there. */
export function escapedClass(
  source: string,
  at: number,
): { readonly members: Members; readonly end: number } | undefined {
  const letter = source[at + 1] ?? "";
  const perl = PERL[letter.toLowerCase()];
  if (perl !== undefined) {
    return { members: members(perl, letter !== letter.toLowerCase()), end: at + 2 };
  }
  if (letter !== "p" && letter !== "P") return undefined;
  const match = /^\\[pP](?:\{(\^?)([A-Za-z_]+)\}|([A-Za-z]))/.exec(source.slice(at));
  const name = match?.[2] ?? match?.[3];
  const test = name === undefined ? undefined : unicodeTest(name);
  if (match === null || test === undefined) {
    throw new RegexSyntaxError(`invalid character class range: ${match?.[0] ?? source.slice(at)}`);
  }
  const negated = (letter === "P") !== (match[1] === "^");
  return {
    members: { ranges: [], tests: [negated ? (char) => !test(char) : test] },
    end: at + match[0].length,
  };
}

/** A class such as `[:alpha:]` at `at`; undefined: none stands there. */
export function posixClass(
  source: string,
  at: number,
): { readonly members: Members; readonly end: number } | undefined {
  const match = /^\[:(\^?)(\w*):\]/.exec(source.slice(at));
  if (match === null) return undefined;
  const ranges = POSIX[match[2]!];
  if (ranges === undefined) {
    throw new RegexSyntaxError(`invalid character class range: ${match[0]}`);
  }
  return { members: members(ranges, match[1] === "^"), end: at + match[0].length };
}

/** The character that the escape at `at` stands for, and where it ends. */
export function escapedChar(
  source: string,
  at: number,
): { readonly char: number; readonly end: number } {
  const rest = source.slice(at);
  if (rest.length === 1) throw new RegexSyntaxError("trailing \\ at end of regular expression");
  const hex = /^\\x(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{2}))/.exec(rest);
  if (hex !== null) {
    return { char: inUnicode(hex[0], hex[1] ?? hex[2]!, 16), end: at + hex[0].length };
  }
  // One digit that is not zero would be a back-reference, which RE2 does not have.
  const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
  if (octal !== null) {
    return { char: Number.parseInt(octal[1]!, 8), end: at + octal[0].length };
  }
  const control = CONTROL[rest[1]!];
  if (control !== undefined) return { char: control, end: at + 2 };
  if (!/^\\[!-/:-@[-`{-~ ]/.test(rest)) {
    throw new RegexSyntaxError(`invalid escape sequence: ${rest.slice(0, 2)}`);
  }
  return { char: rest.charCodeAt(1), end: at + 2 };
}

function members(ranges: Ranges, negated: boolean): Members {
  if (!negated) return { ranges, tests: [] };
  return {
    ranges: [],
    tests: [(char) => !ranges.some(([from, to]) => from <= char && char <= to)],
  };
}

function inUnicode(text: string, digits: string, base: number): number {
  const char = Number.parseInt(digits, base);
  if (char > 0x10ffff) throw new RegexSyntaxError(`invalid escape sequence: ${text}`);
  return char;
}

/** General categories and scripts, by JavaScript's own tables; undefined: no such class. */
function unicodeTest(name: string): ((char: number) => boolean) | undefined {
  if (name === "Any") return () => true;
  for (const property of [name, `Script=${name}`]) {
    try {
      const expression = new RegExp(`^\\p{${property}}$`, "u");
      return (char) => expression.test(String.fromCodePoint(char));
    } catch {
      // Not a property of this kind.
    }
  }
  return undefined;
}
