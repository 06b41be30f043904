/** Brings a parsed config.toml to the names of the schema, and collects what it does not know. */

import type { Key, Keys } from "./keys.ts";
import { nearest } from "../util/nearest.ts";
import { Secret } from "../util/secret.ts";
import { documentedKeys } from "./schema.ts";
import type { TomlPath } from "./toml_layout.ts";

/** A remark about one place in the file. */
export interface Finding {
  readonly path: TomlPath;
  readonly message: string;
}

export type RawTable = Record<string, unknown>;

/**
 * The document with every known key under its schema name: names match in any case, as Go decodes
 * them, unless another key matches exactly; retired keys move to what replaces them. Unknown keys
 * are left out and found.
 */
export function normalise(
  document: RawTable,
  keys: Keys,
): { readonly document: RawTable; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const normalised = tableWith(document, keys, [], findings);
  return { document: normalised, findings };
}

/** Whether a value is a table, as opposed to a list, a moment or a secret. */
export function isTable(value: unknown): value is RawTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date) && !(value instanceof Secret);
}

/** The name under which `table` has `key`: that very one, or else one in another case. */
export function writtenName(table: RawTable, key: string): string {
  if (Object.hasOwn(table, key)) return key;
  const lower = key.toLowerCase();
  return Object.keys(table).find((name) => name.toLowerCase() === lower) ?? key;
}

interface RetiredKey {
  /** In the schema's form: `runners.cache.ServerAddress`. */
  readonly name: string;
  /** Where its value goes, from the same table. */
  readonly to: readonly string[];
  readonly instead: string;
}

/** Keys of GitLab Runner 11.7 that have a new name. Their values are taken over. */
const RETIRED: readonly RetiredKey[] = [
  { name: "metrics_server", to: ["listen_address"], instead: '"listen_address"' },
  {
    name: "runners.pre_clone_script",
    to: ["pre_get_sources_script"],
    instead: '"pre_get_sources_script"',
  },
  {
    name: "runners.kubernetes.terminationGracePeriodSeconds",
    to: ["pod_termination_grace_period_seconds"],
    instead: '"pod_termination_grace_period_seconds" and "cleanup_grace_period_seconds"',
  },
  ...["ServerAddress", "AccessKey", "SecretKey", "BucketName", "BucketLocation", "Insecure"].map(
    (key) => ({
      name: `runners.cache.${key}`,
      to: ["s3", key],
      instead: `"${key}" in [runners.cache.s3]`,
    }),
  ),
];

function tableWith(table: RawTable, keys: Keys, path: TomlPath, findings: Finding[]): RawTable {
  const result: RawTable = {};
  const moved: { readonly retired: RetiredKey; readonly value: unknown }[] = [];
  for (const [written, value] of Object.entries(table)) {
    const at = [...path, written];
    const name = schemaName(written, table, keys);
    const key = name === undefined ? undefined : keys[name];
    const retired = key ? undefined : retiredKey(at);
    if (name !== undefined && key) result[name] = valueOf(value, key, at, findings);
    else if (retired) {
      moved.push({ retired, value });
      findings.push({ path: at, message: `this key has been replaced by ${retired.instead}` });
    } else findings.push({ path: at, message: `unknown key${suggestion(written, keys)}` });
  }
  for (const { retired, value } of moved) setUnlessSet(result, retired.to, value);
  return result;
}

function valueOf(value: unknown, key: Key<unknown>, path: TomlPath, findings: Finding[]): unknown {
  if (!key.table) return value;
  const keys = key.table.keys();
  if (isTable(value)) return tableWith(value, keys, path, findings);
  if (!Array.isArray(value)) return value;
  return value.map((item, index) =>
    isTable(item) ? tableWith(item, keys, [...path, index], findings) : item
  );
}

function schemaName(written: string, table: RawTable, keys: Keys): string | undefined {
  if (Object.hasOwn(keys, written)) return written;
  const lower = written.toLowerCase();
  const name = Object.keys(keys).find((known) => known.toLowerCase() === lower);
  return name === undefined || Object.hasOwn(table, name) ? undefined : name;
}

function retiredKey(path: TomlPath): RetiredKey | undefined {
  const name = path.filter((part) => typeof part === "string").join(".").toLowerCase();
  return RETIRED.find((retired) => retired.name.toLowerCase() === name);
}

function setUnlessSet(table: RawTable, [first, ...rest]: readonly string[], value: unknown): void {
  if (first === undefined) return;
  if (rest.length === 0) table[first] ??= value;
  else {
    const inner = (table[first] ??= {});
    if (isTable(inner)) setUnlessSet(inner, rest, value);
  }
}

/** Where a key of this name belongs, or the nearest one of the table or of the whole file. */
function suggestion(written: string, keys: Keys): string {
  const elsewhere = documentedKeys().find(({ name }) => lastPart(name) === written);
  const near = nearest(written, Object.keys(keys));
  if (near !== undefined) return `, did you mean "${near}"?`;
  if (elsewhere !== undefined) return `, did you mean ${elsewhere.name}?`;
  const far = nearest(written, documentedKeys().map(({ name }) => lastPart(name)));
  return far === undefined ? "" : `, did you mean "${far}"?`;
}

function lastPart(name: string): string {
  return name.split(".").at(-1) ?? name;
}
