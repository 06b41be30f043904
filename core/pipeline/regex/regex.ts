/**
 * Regular expressions as GitLab's RE2 has them. They come from a configuration that need not be
 * trusted, so matching takes time in proportion to pattern times text, whatever they say: all states
 * that the pattern can be in are followed at once, and there is no way back.
 */

import {
  type Assertion,
  type CharClass,
  classHas,
  type RegexNode,
  RegexSyntaxError,
} from "./node.ts";
import { parseRegex } from "./parse.ts";

/** Patterns with more instructions are refused; RE2 refuses them by their memory, at a similar size. */
const MOST_INSTRUCTIONS = 20_000;

type Instruction =
  | { readonly kind: "class"; readonly class: CharClass }
  | { readonly kind: "assert"; readonly assertion: Assertion }
  | { readonly kind: "split"; first: number; second: number }
  | { readonly kind: "jump"; to: number }
  | { readonly kind: "match" };

export class Regex {
  readonly source: string;
  readonly #program: readonly Instruction[];

  /** Throws {@link RegexSyntaxError}. */
  constructor(source: string) {
    this.source = source;
    this.#program = compile(parseRegex(source));
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
        case "assert":
          if (asserts(instruction.assertion, chars, at)) open.push(index + 1);
      }
    }
    return false;
  }
}

function asserts(assertion: Assertion, chars: readonly number[], at: number): boolean {
  switch (assertion) {
    case "text-start":
      return at === 0;
    case "text-end":
      return at === chars.length;
    case "line-start":
      return at === 0 || chars[at - 1] === 10;
    case "line-end":
      return at === chars.length || chars[at] === 10;
    case "word-boundary":
      return isWord(chars[at - 1]) !== isWord(chars[at]);
    case "no-word-boundary":
      return isWord(chars[at - 1]) === isWord(chars[at]);
  }
}

function isWord(char: number | undefined): boolean {
  return char !== undefined && char < 128 && /\w/.test(String.fromCharCode(char));
}

function compile(node: RegexNode): Instruction[] {
  const program: Instruction[] = [];
  emit(node, program);
  program.push({ kind: "match" });
  return program;
}

function emit(node: RegexNode, program: Instruction[]): void {
  if (program.length > MOST_INSTRUCTIONS) {
    throw new RegexSyntaxError("pattern too large - compile failed");
  }
  switch (node.kind) {
    case "class":
      program.push({ kind: "class", class: node.class });
      break;
    case "assert":
      program.push({ kind: "assert", assertion: node.assertion });
      break;
    case "sequence":
      for (const part of node.parts) emit(part, program);
      break;
    case "choice":
      emitChoice(node.options, program);
      break;
    case "repeat":
      emitRepeat(node, program);
  }
}

function emitChoice(options: readonly RegexNode[], program: Instruction[]): void {
  const ends: { readonly kind: "jump"; to: number }[] = [];
  for (const [index, option] of options.entries()) {
    const split = { kind: "split" as const, first: program.length + 1, second: 0 };
    if (index < options.length - 1) program.push(split);
    emit(option, program);
    if (index === options.length - 1) break;
    const end = { kind: "jump" as const, to: 0 };
    program.push(end);
    ends.push(end);
    split.second = program.length;
  }
  for (const end of ends) end.to = program.length;
}

function emitRepeat(
  { node, min, max }: Extract<RegexNode, { kind: "repeat" }>,
  program: Instruction[],
): void {
  for (let count = 0; count < min; count++) {
    const before = program.length;
    emit(node, program);
    // Nothing, a thousand times, in a thousand parentheses.
    if (program.length === before) return;
  }
  if (max === Number.POSITIVE_INFINITY) {
    const split = { kind: "split" as const, first: program.length + 1, second: 0 };
    const start = program.length;
    program.push(split);
    emit(node, program);
    program.push({ kind: "jump", to: start });
    split.second = program.length;
    return;
  }
  const splits: { readonly kind: "split"; first: number; second: number }[] = [];
  for (let count = min; count < max; count++) {
    const split = { kind: "split" as const, first: program.length + 1, second: 0 };
    program.push(split);
    splits.push(split);
    emit(node, program);
  }
  for (const split of splits) split.second = program.length;
}
