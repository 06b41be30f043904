/** Command lines that need no parser: flags that are known, with their values, and words. */

import type { Command } from "./command.ts";
import type { Flag } from "./flag.ts";
import type { Parsed } from "./parser.ts";

/**
 * Reads normalized arguments. Undefined for all that the parser has something to say about: help,
 * flags that nobody knows or that lack a value, words too many or too few.
 */
export function plainArguments(
  { operands = [], moreOperands }: Pick<Command, "operands" | "moreOperands">,
  flags: readonly Flag[],
  args: readonly string[],
): Parsed | undefined {
  const known = new Set<string>(flags.map(({ names }) => names[0]));
  const values = new Map<string, string[]>();
  const words: string[] = [];
  for (const arg of args) {
    if (!arg.startsWith("-")) words.push(arg);
    else {
      const [, name = "", value = ""] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
      if (!known.has(name)) return undefined;
      const given = values.get(name);
      if (given === undefined) values.set(name, [value]);
      else given.push(value);
    }
  }
  const isEnough = words.length >= operands.length &&
    (moreOperands !== undefined || words.length === operands.length);
  return isEnough ? { kind: "values", values, operands: words } : undefined;
}
