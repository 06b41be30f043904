/** The flags of a `[[runners]]` entry, and the entry that their values make. */

import { type RunnerFlag, runnerFlags } from "../config/schema.ts";
import { assertNever, ConfigurationError } from "../errors.ts";
import { parseDuration } from "../util/units.ts";
import { type Flag, type FlagKind, FlagValues, parseBool, parseInteger } from "./flag.ts";
import { type EntryTable, type EntryValue, setAt } from "./runner_entry.ts";

/** Flags that a first look at `--help` shows; the others come with `--help-all`. */
const COMMON: ReadonlySet<string> = new Set([
  "name",
  "url",
  "token",
  "executor",
  "limit",
  "request-concurrency",
  "tls-ca-file",
  "builds-dir",
  "cache-dir",
  "env",
  "shell",
  "feature-flags",
  "docker-image",
  "docker-privileged",
  "docker-volumes",
  "docker-pull-policy",
  "docker-network-mode",
  "docker-host",
  "ssh-host",
  "ssh-port",
  "ssh-user",
  "ssh-password",
  "ssh-identity-file",
]);

/** Every key of a runner entry as a flag. */
export function runnerEntryFlags(): readonly Flag[] {
  return runnerFlags().map(entryFlag);
}

/** What the user set of a runner entry, as a table for config.toml. Throws ConfigurationError. */
export function entryFromFlags(values: FlagValues): EntryTable {
  return runnerFlags().reduce<EntryTable>((entry, key) => {
    const { names: [name] } = entryFlag(key);
    return values.has(name) ? setAt(entry, key.path, valueOf(key, name, values)) : entry;
  }, {});
}

function entryFlag(key: RunnerFlag): Flag {
  const short = key.flags.find((flag) => !flag.startsWith("--"))?.slice(1);
  const [first = "", ...others] = key.flags.filter((flag) => flag.startsWith("--"))
    .map((flag) => flag.slice(2));
  const table = key.path.slice(0, -1);
  return {
    names: [first, ...others],
    ...(short === undefined ? {} : { short }),
    kind: kindOf(key.type),
    ...(key.env === undefined ? {} : { env: key.env }),
    help: `${key.description.slice(0, 1).toUpperCase()}${key.description.slice(1)}`,
    group: table[0] === undefined ? "[[runners]]" : `[runners.${table[0]}]`,
    advanced: !COMMON.has(first),
  };
}

function kindOf(type: RunnerFlag["type"]): FlagKind {
  switch (type) {
    case "bool":
    case "int":
      return type;
    case "strings":
    case "ints":
    case "floats":
    case "string or strings":
      return "list";
    case "map":
    case "map of bool":
    case "map of int":
    case "map of strings":
      return "map";
    case "string":
    case "float":
    case "duration":
    case "datetime":
    case "free table":
    case "table":
    case "array of tables":
      return "string";
    default:
      return assertNever(type);
  }
}

function valueOf(key: RunnerFlag, name: string, values: FlagValues): EntryValue {
  const text = values.text(name) ?? "";
  switch (key.type) {
    case "string":
      return text;
    case "bool":
      return parseBool(name, text);
    case "int":
      return parseInteger(name, text);
    case "float":
      return parseNumber(name, text);
    case "duration":
      return durationText(name, text);
    case "strings":
      return values.list(name);
    case "string or strings":
      return values.list(name).flatMap((item) => item.split(","));
    case "ints":
      return values.list(name).map((item) => parseInteger(name, item));
    case "floats":
      return values.list(name).map((item) => parseNumber(name, item));
    case "map":
      return mapOf(name, values, (item) => item);
    case "map of bool":
      return mapOf(name, values, (item) => parseBool(name, item));
    case "map of int":
      return mapOf(name, values, (item) => parseInteger(name, item));
    case "map of strings":
      return listsByKey(name, values);
    case "datetime":
    case "free table":
    case "table":
    case "array of tables":
      throw new ConfigurationError(
        `--${name} cannot be given here; write it to the configuration file`,
      );
    default:
      return assertNever(key.type);
  }
}

function mapOf<T extends EntryValue>(
  name: string,
  values: FlagValues,
  convert: (text: string) => T,
): EntryTable {
  return Object.fromEntries(
    values.list(name).map((pair) => {
      const [key, value] = splitPair(name, pair);
      return [key, convert(value)];
    }),
  );
}

function listsByKey(name: string, values: FlagValues): EntryTable {
  const lists = new Map<string, readonly string[]>();
  for (const pair of values.list(name)) {
    const [key, value] = splitPair(name, pair);
    lists.set(key, [...(lists.get(key) ?? []), value]);
  }
  return Object.fromEntries(lists);
}

function splitPair(name: string, pair: string): [string, string] {
  const colon = pair.indexOf(":");
  if (colon > 0) return [pair.slice(0, colon), pair.slice(colon + 1)];
  throw new ConfigurationError(`Invalid value "${pair}" for --${name}: use key:value`);
}

function parseNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new ConfigurationError(`Invalid value "${text}" for --${name}: use a number`);
}

function durationText(name: string, text: string): string {
  if (parseDuration(text) !== undefined) return text;
  throw new ConfigurationError(
    `Invalid value "${text}" for --${name}: use a duration such as 1h30m`,
  );
}
