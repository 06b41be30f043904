/** TOML as GitLab Runner writes it: two spaces per level, plain keys before tables. */

import { Secret } from "../util/secret.ts";
import type { Keys } from "./keys.ts";
import { isTable, type RawTable } from "./normalise.ts";
import { runnerTable } from "./schema.ts";

const INDENT = "  ";

/** What a first config.toml holds. */
export const FIRST_CONFIG = `concurrent = 1
check_interval = 0
shutdown_timeout = 0

[session_server]
${INDENT}session_timeout = 1800
`;

/** An entry as `[[name]]` with its tables, keys in the order of the schema, the unknown last. */
export function runnerText(entry: Readonly<RawTable>, name: string): string {
  const lines = [`[[${name}]]`, ...tableLines(entry, [name], runnerTable.table?.keys() ?? {})];
  return `${lines.join("\n")}\n`;
}

/** A value on one line. Throws a TypeError for what TOML cannot hold. */
export function tomlValue(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (value instanceof Secret) return quoted(value.reveal());
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, "Z");
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (isTable(value)) {
    const pairs = Object.entries(value).map(([key, item]) =>
      `${tomlKey(key)} = ${tomlValue(item)}`
    );
    return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
  }
  throw new TypeError(`A value of type ${typeof value} cannot be written as TOML`);
}

/** A key, in quotes when it needs them. */
export function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoted(key);
}

function tableLines(table: RawTable, path: readonly string[], keys: Keys): readonly string[] {
  const indent = INDENT.repeat(path.length);
  const entries = inSchemaOrder(table, keys);
  const plain = entries.filter(([, value]) => !isTable(value) && !isTables(value));
  const nested = entries.filter(([, value]) => isTable(value) || isTables(value));
  return [
    ...plain.map(([key, value]) => `${indent}${tomlKey(key)} = ${tomlValue(value)}`),
    ...nested.flatMap(([key, value]) => {
      const inner = [...path, key];
      const name = inner.map(tomlKey).join(".");
      const below = keys[key]?.table?.keys() ?? {};
      return isTables(value)
        ? value.flatMap((item) => [`${indent}[[${name}]]`, ...tableLines(item, inner, below)])
        : [`${indent}[${name}]`, ...tableLines(isTable(value) ? value : {}, inner, below)];
    }),
  ];
}

function inSchemaOrder(table: RawTable, keys: Keys): readonly (readonly [string, unknown])[] {
  const order = Object.keys(keys);
  const rank = (key: string) => order.includes(key) ? order.indexOf(key) : order.length;
  return Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => rank(a) - rank(b));
}

function isTables(value: unknown): value is readonly RawTable[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}

/** JSON's escapes are TOML's, but for DEL; half a surrogate pair has no place in TOML. */
function quoted(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll("\x7f", "\\u007f");
}
