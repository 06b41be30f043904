/**
 * Regular expressions as GitLab's RE2 has them. They come from a configuration that need not be
 * trusted, so matching takes time in proportion to pattern times text, whatever they say: all states
 * that the pattern can be in are followed at once, and there is no way back.
 */

import { asserts } from "./assertion.ts";
import { classHas, type RegexNode } from "./node.ts";
import { parseRegex } from "./parse.ts";
import { compile, type Instruction } from "./program.ts";
import { findMatch, type RegexMatch } from "./find_match.ts";

export class Regex {
  readonly source: string;
  readonly #node: RegexNode;
  readonly #program: readonly Instruction[];
  /** With groups: made when somebody asks for them. */
  #finder: readonly Instruction[] | undefined;

  /** Throws RegexSyntaxError. */
  constructor(source: string) {
    this.source = source;
    this.#node = parseRegex(source);
    this.#program = compile(this.#node, { groups: false });
  }

  /** All matches from left to right that do not overlap, the leftmost and preferred ones. */
  matches(text: string): readonly RegexMatch[] {
    this.#finder ??= compile(this.#node, { groups: true });
    const chars = Array.from(text, (char) => char.codePointAt(0)!);
    const found: RegexMatch[] = [];
    for (let from = 0; from <= chars.length;) {
      const match = findMatch(this.#finder, chars, from);
      if (match === undefined) break;
      found.push(match);
      // After a match of nothing, the next one begins further on.
      from = match.end > match.start ? match.end : match.end + 1;
    }
    return found;
  }

  /** Whether the pattern matches anywhere in the text. */
  test(text: string): boolean {
    const chars = Array.from(text, (char) => char.codePointAt(0)!);
    let states: number[] = [];
    const seenAt = new Int32Array(this.#program.length).fill(-1);
    for (let at = 0; at <= chars.length; at++) {
      const next: number[] = [];
      // A match may begin at every character.
      if (this.#follow([...states, 0], chars, at, seenAt, next)) return true;
      const char = chars[at];
      states = char === undefined ? [] : next.flatMap((index) => {
        const instruction = this.#program[index]!;
        return instruction.kind === "class" && classHas(instruction.class, char) ? [index + 1] : [];
      });
    }
    return false;
  }

  /** Adds the class instructions that `states` lead to without a character; true: a match is reached. */
  #follow(
    states: number[],
    chars: readonly number[],
    at: number,
    seenAt: Int32Array,
    reached: number[],
  ): boolean {
    const open = states;
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (seenAt[index] === at) continue;
      seenAt[index] = at;
      const instruction = this.#program[index]!;
      switch (instruction.kind) {
        case "match":
          return true;
        case "class":
          reached.push(index);
          break;
        case "jump":
          open.push(instruction.to);
          break;
        case "split":
          open.push(instruction.first, instruction.second);
          break;
        case "save":
          open.push(index + 1);
          break;
        case "assert":
          if (asserts(instruction.assertion, chars, at)) open.push(index + 1);
      }
    }
    return false;
  }
}
