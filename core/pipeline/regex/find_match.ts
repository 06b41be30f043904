/** Finds the match that RE2 would find, and what its groups matched, in time linear in the text. */

import { asserts } from "./assertion.ts";
import { classHas } from "./node.ts";
import type { Instruction } from "./program.ts";

export interface RegexMatch {
  /** Characters, from 0; `end` is not in it. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** In their order; undefined: one that took no part. */
  readonly groups: readonly (string | undefined)[];
}

/** Where groups begin and end, by slot. */
type Slots = readonly (number | undefined)[];

/** A way through the pattern. Earlier ones in a list are preferred. */
interface Thread {
  readonly at: number;
  readonly start: number;
  readonly slots: Slots;
}

/** The leftmost match at or after `from`; of those, the one that the pattern prefers. */
export function findMatch(
  program: readonly Instruction[],
  chars: readonly number[],
  from: number,
): RegexMatch | undefined {
  const seenAt = new Int32Array(program.length).fill(-1);
  let threads: Thread[] = [];
  let best: { readonly thread: Thread; readonly end: number } | undefined;
  for (let at = from; at <= chars.length; at++) {
    if (best === undefined) {
      follow({ at: 0, start: at, slots: [] }, { program, chars, position: at, seenAt }, threads);
    }
    if (threads.length === 0 && best !== undefined) break;
    const next: Thread[] = [];
    for (const thread of threads) {
      const instruction = program[thread.at]!;
      if (instruction.kind === "match") {
        best = { thread, end: at };
        // All that come after are less preferred.
        break;
      }
      const char = chars[at];
      const isStep = instruction.kind === "class" && char !== undefined &&
        classHas(instruction.class, char);
      if (!isStep) continue;
      const step = { ...thread, at: thread.at + 1 };
      follow(step, { program, chars, position: at + 1, seenAt }, next);
    }
    threads = next;
  }
  return best === undefined ? undefined : matchOf(program, chars, best);
}

interface Place {
  readonly program: readonly Instruction[];
  readonly chars: readonly number[];
  readonly position: number;
  readonly seenAt: Int32Array;
}

/** Adds what the thread leads to without a character, in the order of preference. */
function follow(
  thread: Thread,
  { program, chars, position, seenAt }: Place,
  reached: Thread[],
): void {
  const open = [thread];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { at, slots } = next;
    if (seenAt[at] === position) continue;
    seenAt[at] = position;
    const instruction = program[at]!;
    switch (instruction.kind) {
      case "class":
      case "match":
        reached.push(next);
        break;
      case "jump":
        open.push({ ...next, at: instruction.to });
        break;
      case "split":
        open.push({ ...next, at: instruction.second }, { ...next, at: instruction.first });
        break;
      case "save":
        open.push({ ...next, at: at + 1, slots: withSlot(slots, instruction.slot, position) });
        break;
      case "assert":
        if (asserts(instruction.assertion, chars, position)) open.push({ ...next, at: at + 1 });
    }
  }
}

function withSlot(slots: Slots, slot: number, position: number): Slots {
  const changed = [...slots];
  changed[slot] = position;
  return changed;
}

function matchOf(
  program: readonly Instruction[],
  chars: readonly number[],
  { thread: { start, slots }, end }: { readonly thread: Thread; readonly end: number },
): RegexMatch {
  const text = (first: number, last: number) =>
    Array.from(chars.slice(first, last), (char) => String.fromCodePoint(char)).join("");
  const highest = Math.max(0, ...program.map((each) => each.kind === "save" ? each.slot >> 1 : 0));
  const groups = Array.from({ length: highest }, (_, index) => {
    const [first, last] = [slots[2 * (index + 1)], slots[2 * (index + 1) + 1]];
    return first === undefined || last === undefined ? undefined : text(first, last);
  });
  return { start, end, text: text(start, end), groups };
}
