/**
 * Flags in the forms that GitLab Runner takes, brought to one: `--name=value`. Long names may have
 * one dash, flags may have several names, and a boolean takes a value only behind `=`.
 */

import type { Flag } from "./flag.ts";

export interface NormalizedArguments {
  readonly args: readonly string[];
  /** Flags with a word behind them that looks like their value, but is none and is left out. */
  readonly suspicious: readonly string[];
}

/** Rewrites known flags; what is unknown is left for the parser to refuse. */
export function normalizeArguments(
  argv: readonly string[],
  flags: readonly Flag[],
): NormalizedArguments {
  const byName = new Map(
    flags.flatMap((flag) =>
      [...flag.names, ...(flag.short === undefined ? [] : [flag.short])]
        .map((name) => [name, flag] as const)
    ),
  );
  const args: string[] = [];
  const suspicious: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") return { args: [...args, ...argv.slice(at)], suspicious };
    const match = /^--?([A-Za-z][^=]*)(?:=(.*))?$/s.exec(word);
    const flag = byName.get(match?.[1] ?? "");
    if (match === null || flag === undefined) {
      args.push(word);
      continue;
    }
    const name = `--${flag.names[0]}`;
    const next = argv[at + 1];
    if (match[2] !== undefined) args.push(`${name}=${match[2]}`);
    else if (flag.kind === "bool") {
      args.push(`${name}=true`);
      if (next === undefined || !/^(?:true|false)$/i.test(next)) continue;
      suspicious.push(`${word} ${next}`);
      at++;
    } else if (next === undefined) args.push(name);
    else {
      args.push(`${name}=${next}`);
      at++;
    }
  }
  return { args, suspicious };
}
