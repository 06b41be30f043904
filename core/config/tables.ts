/** Tables of config.toml: keys put together, and the command-line flags that follow from them. */

import { z } from "zod";
import { expected, type Key, type Keys, once, type TableOf, type TableShape } from "./keys.ts";

interface TableOptions {
  /** The keys have flags; a string replaces the table's own name in those. */
  readonly flags?: string | true;
}

/** A table whose keys have their defaults when it is absent. */
export function table<K extends Keys>(
  about: string,
  keys: K,
  options: TableOptions = {},
): Key<TableOf<K>> {
  const inner = once(() => objectOf(keys));
  return tableKey("table", about, shape(() => keys, options), () => inner().prefault({}));
}

/** A table whose absence differs from an empty one; its schema costs nothing until it is used. */
export function optionalTable<K extends Keys>(
  about: string,
  keys: () => K,
  options: TableOptions = {},
): Key<TableOf<K> | undefined> {
  const built = once(keys);
  return tableKey(
    "table",
    about,
    shape(built, options),
    () => z.lazy(() => objectOf(built())).optional(),
  );
}

/** `[[name]]`, in the order of the file. `from` turns an older form of an item into the present one. */
export function tables<K extends Keys>(
  about: string,
  keys: K,
  options: { from?: (item: unknown) => unknown; names?: Key<unknown>["names"] } = {},
): Key<readonly TableOf<K>[]> {
  const { from = (item) => item, names = {} } = options;
  const build = () =>
    z.array(z.preprocess(from, objectOf(keys)), expected("an array of tables")).readonly()
      .default([]);
  return { ...tableKey("array of tables", about, shape(() => keys, {}), build), names };
}

/** A key that `register` and `run-single` take as flag and environment variable. */
export interface RunnerFlag {
  /** Where the value goes in the runner's entry: `["docker", "image"]`. */
  readonly path: readonly string[];
  /** With their dashes: `["-u", "--url"]`. */
  readonly flags: readonly string[];
  readonly env: string | undefined;
  readonly type: Key<unknown>["type"];
  readonly sensitive: boolean;
  readonly description: string;
}

/** Flags of all keys below `keys`, in the order of the schema. */
export function flagsOf(
  keys: Keys,
  at: { path: readonly string[]; flag: readonly string[]; env: readonly string[] },
): readonly RunnerFlag[] {
  return Object.entries(keys).flatMap(([name, key]) => {
    const path = [...at.path, name];
    const own = key.type === "table" ? [] : flagOf(key, { ...at, path });
    const { table } = key;
    if (table?.flags === undefined) return key.table && own.length === 0 ? [] : own;
    const flag = [...at.flag, table.flags === true ? name : table.flags];
    return [...own, ...flagsOf(table.keys(), { path, flag, env: path })];
  });
}

function flagOf(
  key: Key<unknown>,
  at: { path: readonly string[]; flag: readonly string[]; env: readonly string[] },
): readonly RunnerFlag[] {
  const { flag, env } = key.names;
  if (flag === null || (key.table && flag === undefined)) return [];
  const words = snakeCase(at.path.at(-1) ?? "");
  const derived = `--${[...at.flag, words.replaceAll("_", "-")].join("-")}`;
  const variable = [...at.env, words].join("_").toUpperCase();
  return [{
    path: at.path,
    flags: flag === undefined ? [derived] : typeof flag === "string" ? [flag] : flag,
    env: env === null ? undefined : env ?? variable,
    type: key.type,
    sensitive: key.sensitive,
    description: key.about,
  }];
}

/** `ServerSideEncryptionKeyID` → `server_side_encryption_key_id`, `tls-ca-file` → `tls_ca_file`. */
function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

function shape(keys: () => Keys, options: TableOptions): TableShape {
  return { keys, flags: options.flags };
}

function tableKey<T>(
  type: "table" | "array of tables",
  about: string,
  table: TableShape,
  build: () => z.ZodType<T>,
): Key<T> {
  return { type, about, names: {}, sensitive: false, table, schema: once(build) };
}

/** The one place where a table's type is stated instead of inferred: zod would infer it far slower. */
function objectOf<K extends Keys>(keys: K): z.ZodType<TableOf<K>> {
  const schemas = Object.entries(keys).map(([name, key]) => [name, key.schema()] as const);
  const object = z.object(Object.fromEntries(schemas), expected("a table", true)).readonly();
  return object as z.ZodType as z.ZodType<TableOf<K>>;
}
