/** What a regular expression in RE2's syntax says. */

/** A set of characters. With `fold`, a character is in it when any of its cases is. */
export interface CharClass {
  readonly negated: boolean;
  readonly fold: boolean;
  /** Code points from…to, both in it. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Classes that ranges cannot say, `\p{Greek}` or `\D`; one of them suffices. */
  readonly tests: readonly ((char: number) => boolean)[];
}

export type Assertion =
  | "text-start"
  | "text-end"
  | "line-start"
  | "line-end"
  | "word-boundary"
  | "no-word-boundary";

export type RegexNode =
  | { readonly kind: "class"; readonly class: CharClass }
  | { readonly kind: "assert"; readonly assertion: Assertion }
  | { readonly kind: "sequence"; readonly parts: readonly RegexNode[] }
  | { readonly kind: "choice"; readonly options: readonly RegexNode[] }
  | {
    readonly kind: "repeat";
    readonly node: RegexNode;
    readonly min: number;
    /** Infinity: without end. */
    readonly max: number;
    /** Of two matches the shorter one is meant. */
    readonly lazy: boolean;
  }
  /** In the order of their opening parentheses, from 1. */
  | { readonly kind: "group"; readonly index: number; readonly node: RegexNode };

/** A regular expression that RE2 refuses, in RE2's words. */
export class RegexSyntaxError extends Error {
  override readonly name = "RegexSyntaxError";
}

/** Whether the class has the character with this code point. */
export function classHas(set: CharClass, char: number): boolean {
  return holds(set, char) !== set.negated;
}

function holds(set: CharClass, char: number): boolean {
  if (inSet(set, char)) return true;
  return set.fold && otherCases(char).some((other) => inSet(set, other));
}

function inSet({ ranges, tests }: CharClass, char: number): boolean {
  return ranges.some(([from, to]) => from <= char && char <= to) ||
    tests.some((test) => test(char));
}

/** Only cases that are one character: `ß` is not `SS` here, as in RE2. */
function otherCases(char: number): number[] {
  const text = String.fromCodePoint(char);
  return [text.toLowerCase(), text.toUpperCase()].flatMap((other) => {
    const point = other.codePointAt(0)!;
    return point !== char && String.fromCodePoint(point) === other ? [point] : [];
  });
}
