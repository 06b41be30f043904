/** Reads a regular expression in the syntax that RE2 takes. */

import { escapedChar, escapedClass, posixClass } from "./escapes.ts";
import { type CharClass, type RegexNode, RegexSyntaxError } from "./node.ts";

/** RE2's own limit of `{n,m}`. */
const MOST_REPEATS = 1000;
/** Parentheses deeper than this are refused, as by RE2. */
const DEEPEST_NESTING = 1000;

interface Flags {
  /** Case does not matter. */
  readonly i: boolean;
  /** `^` and `$` match at lines. */
  readonly m: boolean;
  /** `.` matches a line break. */
  readonly s: boolean;
  /** Repetitions are lazy, and those with a `?` are not. */
  readonly U: boolean;
}

/** Throws {@link RegexSyntaxError} with RE2's words for what RE2 refuses. */
export function parseRegex(source: string): RegexNode {
  const parser = new RegexParser(source);
  return parser.parse();
}

class RegexParser {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #flags: Flags = { i: false, m: false, s: false, U: false };
  #groups = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): RegexNode {
    const node = this.#choice();
    if (this.#at < this.#source.length) {
      throw new RegexSyntaxError(`unexpected ): ${this.#source}`);
    }
    return node;
  }

  /** Alternatives up to the end or a closing parenthesis; flags set inside end with them. */
  #choice(): RegexNode {
    const flags = this.#flags;
    if (++this.#depth > DEEPEST_NESTING) {
      throw new RegexSyntaxError("expression nests too deeply");
    }
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    this.#depth--;
    this.#flags = flags;
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) {
      const quoted = this.#quoted();
      if (quoted !== undefined) {
        const last = quoted.at(-1);
        if (last !== undefined) parts.push(...quoted.slice(0, -1), this.#repeated(last));
        continue;
      }
      const repeat = this.#repetition();
      if (repeat !== undefined) {
        throw new RegexSyntaxError(`no argument for repetition operator: ${repeat.text}`);
      }
      const atom = this.#atom();
      if (atom !== undefined) parts.push(this.#repeated(atom));
    }
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  #repeated(atom: RegexNode): RegexNode {
    const first = this.#repetition();
    if (first === undefined) return atom;
    const second = this.#repetition();
    if (second !== undefined) {
      throw new RegexSyntaxError(`bad repetition operator: ${first.text}${second.text}`);
    }
    const isMarked = first.text.length > 1 && first.text.endsWith("?");
    const lazy = isMarked !== this.#flags.U;
    return { kind: "repeat", node: atom, min: first.min, max: first.max, lazy };
  }

  /** The operator that stands here, with its `?`. */
  #repetition(): { readonly min: number; readonly max: number; readonly text: string } | undefined {
    const match = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(
      this.#source.slice(this.#at, this.#at + 32),
    );
    if (match === null || (match[2] === "" && match[3] !== "")) return undefined;
    this.#at += match[0].length;
    const [text] = match;
    if (text.startsWith("*")) return { min: 0, max: Number.POSITIVE_INFINITY, text };
    if (text.startsWith("+")) return { min: 1, max: Number.POSITIVE_INFINITY, text };
    if (text.startsWith("?")) return { min: 0, max: 1, text };
    const min = Number(match[1]);
    const max = match[2] === ""
      ? min
      : match[3] === ""
      ? Number.POSITIVE_INFINITY
      : Number(match[3]);
    if (min > MOST_REPEATS || max < min || (max > MOST_REPEATS && Number.isFinite(max))) {
      throw new RegexSyntaxError(`invalid repetition size: ${text}`);
    }
    return { min, max, text };
  }

  /** `\Q…\E`: every character is itself. */
  #quoted(): RegexNode[] | undefined {
    if (!this.#take("\\Q")) return undefined;
    const end = this.#source.indexOf("\\E", this.#at);
    const text = this.#source.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#source.length : end + 2;
    return [...text].map((char) => this.#literal(char.codePointAt(0)!));
  }

  /** Undefined: something that matches nothing and only changes flags. */
  #atom(): RegexNode | undefined {
    const char = this.#source[this.#at]!;
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return this.#bracket();
      case ".":
        this.#at++;
        return classNode({
          negated: true,
          fold: false,
          ranges: this.#flags.s ? [] : [[10, 10]],
          tests: [],
        });
      case "^":
        this.#at++;
        return { kind: "assert", assertion: this.#flags.m ? "line-start" : "text-start" };
      case "$":
        this.#at++;
        return { kind: "assert", assertion: this.#flags.m ? "line-end" : "text-end" };
      case "\\":
        return this.#escape();
      default: {
        const point = this.#source.codePointAt(this.#at)!;
        this.#at += point > 0xffff ? 2 : 1;
        return this.#literal(point);
      }
    }
  }

  #group(): RegexNode | undefined {
    const open = this.#at;
    const before = this.#flags;
    const head = /^\((?:\?(?:P?<([A-Za-z0-9_]+)>|([imsU]*)(?:-([imsU]+))?([:)])))?/.exec(
      this.#source.slice(open),
    )![0];
    if (head === "(" && this.#source[open + 1] === "?") {
      throw new RegexSyntaxError(`invalid perl operator: ${this.#source.slice(open, open + 3)}`);
    }
    this.#at += head.length;
    if (/^\(\?[^P<]/.test(head)) this.#flags = changed(before, head);
    if (head.endsWith(")")) return undefined;
    const index = head === "(" || head.endsWith(">") ? ++this.#groups : undefined;
    const node = this.#choice();
    if (!this.#take(")")) throw new RegexSyntaxError(`missing closing ): ${this.#source}`);
    this.#flags = before;
    return index === undefined ? node : { kind: "group", index, node };
  }

  #escape(): RegexNode {
    const assertion = ({
      A: "text-start",
      z: "text-end",
      b: "word-boundary",
      B: "no-word-boundary",
    } as const)[this.#source[this.#at + 1] ?? ""];
    if (assertion !== undefined) {
      this.#at += 2;
      return { kind: "assert", assertion };
    }
    if (this.#take("\\C")) return classNode({ negated: true, fold: false, ranges: [], tests: [] });
    const named = escapedClass(this.#source, this.#at);
    if (named !== undefined) {
      this.#at = named.end;
      return classNode({ negated: false, fold: false, ...named.members });
    }
    const { char, end } = escapedChar(this.#source, this.#at);
    this.#at = end;
    return this.#literal(char);
  }

  #bracket(): RegexNode {
    const open = this.#at++;
    const negated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    const tests: ((char: number) => boolean)[] = [];
    for (let first = true; first || this.#source[this.#at] !== "]"; first = false) {
      if (this.#at >= this.#source.length) {
        throw new RegexSyntaxError(`missing closing ]: ${this.#source.slice(open)}`);
      }
      const named = posixClass(this.#source, this.#at) ??
        (this.#source[this.#at] === "\\" ? escapedClass(this.#source, this.#at) : undefined);
      if (named === undefined) {
        ranges.push(this.#range());
        continue;
      }
      this.#at = named.end;
      ranges.push(...named.members.ranges);
      tests.push(...named.members.tests);
    }
    this.#at++;
    return classNode({ negated, fold: this.#flags.i, ranges, tests });
  }

  #range(): readonly [number, number] {
    const start = this.#at;
    const from = this.#rangeEnd();
    const isRange = this.#source[this.#at] === "-" && !/^-?\]?$/.test(
      this.#source.slice(this.#at, this.#at + 2),
    );
    if (!isRange) return [from, from];
    this.#at++;
    const to = this.#rangeEnd();
    if (to < from) {
      throw new RegexSyntaxError(
        `invalid character class range: ${this.#source.slice(start, this.#at)}`,
      );
    }
    return [from, to];
  }

  #rangeEnd(): number {
    if (this.#source[this.#at] === "\\") {
      const { char, end } = escapedChar(this.#source, this.#at);
      this.#at = end;
      return char;
    }
    const point = this.#source.codePointAt(this.#at);
    if (point === undefined) throw new RegexSyntaxError(`missing closing ]: ${this.#source}`);
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }

  #literal(char: number): RegexNode {
    return classNode({ negated: false, fold: this.#flags.i, ranges: [[char, char]], tests: [] });
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }
}

function classNode(set: CharClass): RegexNode {
  return { kind: "class", class: set };
}

/** Flags after `(?i-s` and its like. */
function changed(flags: Flags, head: string): Flags {
  const [on = "", off = ""] = head.slice(2, -1).split("-");
  const value = (name: keyof Flags) => on.includes(name) || (flags[name] && !off.includes(name));
  return { i: value("i"), m: value("m"), s: value("s"), U: value("U") };
}
