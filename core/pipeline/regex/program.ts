/** What a regular expression is matched by: instructions that are followed all at once. */

import { type Assertion, type CharClass, type RegexNode, RegexSyntaxError } from "./node.ts";

/** Patterns with more instructions are refused; RE2 refuses them by their memory, at a similar size. */
const MOST_INSTRUCTIONS = 20_000;

export type Instruction =
  | { readonly kind: "class"; readonly class: CharClass }
  | { readonly kind: "assert"; readonly assertion: Assertion }
  /** The first one is preferred. */
  | { readonly kind: "split"; first: number; second: number }
  | { readonly kind: "jump"; to: number }
  /** Notes where a match or group begins (even) or ends (odd). */
  | { readonly kind: "save"; readonly slot: number }
  | { readonly kind: "match" };

/** With `groups`, what they match is noted. Throws {@link RegexSyntaxError} for one that is too large. */
export function compile(node: RegexNode, options: { readonly groups: boolean }): Instruction[] {
  const program: Instruction[] = [];
  emit(node, program, options.groups);
  program.push({ kind: "match" });
  return program;
}

function emit(node: RegexNode, program: Instruction[], groups: boolean): void {
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
      for (const part of node.parts) emit(part, program, groups);
      break;
    case "choice":
      emitChoice(node.options, program, groups);
      break;
    case "repeat":
      emitRepeat(node, program, groups);
      break;
    case "group":
      if (groups) program.push({ kind: "save", slot: 2 * node.index });
      emit(node.node, program, groups);
      if (groups) program.push({ kind: "save", slot: 2 * node.index + 1 });
  }
}

function emitChoice(
  options: readonly RegexNode[],
  program: Instruction[],
  groups: boolean,
): void {
  const ends: { readonly kind: "jump"; to: number }[] = [];
  for (const [index, option] of options.entries()) {
    const split = { kind: "split" as const, first: program.length + 1, second: 0 };
    if (index < options.length - 1) program.push(split);
    emit(option, program, groups);
    if (index === options.length - 1) break;
    const end = { kind: "jump" as const, to: 0 };
    program.push(end);
    ends.push(end);
    split.second = program.length;
  }
  for (const end of ends) end.to = program.length;
}

function emitRepeat(
  { node, min, max, lazy }: Extract<RegexNode, { kind: "repeat" }>,
  program: Instruction[],
  groups: boolean,
): void {
  for (let count = 0; count < min; count++) {
    const before = program.length;
    emit(node, program, groups);
    // Nothing, a thousand times, in a thousand parentheses.
    if (program.length === before) return;
  }
  if (max === Number.POSITIVE_INFINITY) {
    const split = { kind: "split" as const, first: program.length + 1, second: 0 };
    const start = program.length;
    program.push(split);
    emit(node, program, groups);
    program.push({ kind: "jump", to: start });
    split.second = program.length;
    if (lazy) prefer(split);
    return;
  }
  const splits: { readonly kind: "split"; first: number; second: number }[] = [];
  for (let count = min; count < max; count++) {
    const split = { kind: "split" as const, first: program.length + 1, second: 0 };
    program.push(split);
    splits.push(split);
    emit(node, program, groups);
  }
  for (const split of splits) {
    split.second = program.length;
    if (lazy) prefer(split);
  }
}

/** Going on comes first then, and repeating second. */
function prefer(split: { first: number; second: number }): void {
  [split.first, split.second] = [split.second, split.first];
}
