/** config.toml as the next reader finds it. */

import { readFileSync, statSync } from "node:fs";
import { parse } from "smol-toml";

export interface Entry {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly id?: number;
  readonly executor: string;
  readonly [key: string]: unknown;
}

export interface ConfigToml {
  readonly text: string;
  readonly mode: number;
  readonly entries: readonly Entry[];
  readonly [key: string]: unknown;
}

export function readConfig(path: string): ConfigToml {
  const text = readFileSync(path, "utf8");
  const { runners, ...rest } = parse(text);
  return { ...rest, text, mode: statSync(path).mode & 0o777, entries: (runners ?? []) as Entry[] };
}
