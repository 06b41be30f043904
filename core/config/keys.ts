/** Keys of config.toml as data: type, default, meaning, and the flag and variable that set them. */

import { z } from "zod";
import { Secret } from "../util/secret.ts";
import { parseDuration } from "../util/units.ts";

/** The types that config.toml knows. A duration is read into milliseconds. */
export type KeyType =
  | "string"
  | "int"
  | "bool"
  | "float"
  | "strings"
  | "ints"
  | "floats"
  | "string or strings"
  | "map"
  | "map of bool"
  | "map of int"
  | "map of strings"
  | "duration"
  | "datetime"
  | "free table"
  | "table"
  | "array of tables";

/**
 * How the command line sets a key inside a table with flags. Left out, both names follow from the
 * key's path (`--docker-tls-verify`, `DOCKER_TLS_VERIFY`). `flag: null` means neither exists.
 */
export interface Names {
  readonly flag?: string | readonly string[] | null;
  readonly env?: string | null;
}

/** One key. `about` is a line for help texts. */
export interface Key<T> {
  readonly type: KeyType;
  readonly about: string;
  readonly names: Names;
  /** Its value may hold credentials and is never shown. */
  readonly sensitive: boolean;
  readonly schema: () => z.ZodType<T>;
  readonly table?: TableShape;
}

export type Keys = Readonly<Record<string, Key<unknown>>>;

/** What tables have beside a key's own. */
export interface TableShape {
  readonly keys: () => Keys;
  /** The table's part in the names of its keys' flags; undefined means that it has none. */
  readonly flags: string | true | undefined;
}

/** The value that a table of `K` is read into. */
export type TableOf<K extends Keys> = {
  readonly [N in keyof K]: K[N] extends Key<infer T> ? T : never;
};

/**
 * GitLab Runner cannot tell zero from absence in most keys: for an `int`, `text` or `duration`
 * with a default both mean that default. A `min` widens this to everything below it.
 */
interface Defaulted<T> extends Names {
  readonly default?: T;
  readonly min?: T;
  /** Zero is a value of its own here. */
  readonly zero?: true;
  readonly sensitive?: boolean;
}

export function text(about: string, options: Defaulted<string> = {}): Key<string> {
  const { default: value = "" } = options;
  return leaf("string", about, options, () => {
    const schema = z.string(expected("a string", options.sensitive)).default(value);
    return value === "" ? schema : schema.transform((given) => given || value);
  });
}

/** A text out of few. `wanted` names them in messages. */
export function choice(
  about: string,
  options: { default: string; wanted: string; accepts: (given: string) => boolean },
): Key<string> {
  const { default: value, wanted, accepts } = options;
  return leaf(
    "string",
    about,
    {},
    () =>
      z.string(expected(wanted)).default(value).transform((given) => given || value).refine(
        accepts,
        expected(wanted),
      ),
  );
}

export function optionalText(about: string, names: Names = {}): Key<string | undefined> {
  return leaf("string", about, names, () => z.string(expected("a string")).optional());
}

export function secret(about: string, names: Names = {}): Key<Secret> {
  return leaf(
    "string",
    about,
    { ...names, sensitive: true },
    () => z.string(expected("a string", true)).default("").transform((value) => new Secret(value)),
  );
}

export function int(about: string, options: Defaulted<number> = {}): Key<number> {
  const { default: value = 0 } = options;
  return leaf("int", about, options, () => orDefault(integer(), value, options));
}

export function optionalInt(about: string, names: Names = {}): Key<number | undefined> {
  return leaf("int", about, names, () => integer().optional());
}

export function bool(about: string, options: Defaulted<boolean> = {}): Key<boolean> {
  return leaf("bool", about, options, () => boolean().default(options.default ?? false));
}

export function optionalBool(about: string, names: Names = {}): Key<boolean | undefined> {
  return leaf("bool", about, names, () => boolean().optional());
}

export function float(about: string, names: Names = {}): Key<number> {
  return leaf("float", about, names, () => number().default(0));
}

export function strings(
  about: string,
  options: Names & { default?: readonly string[]; sensitive?: boolean } = {},
): Key<readonly string[]> {
  return leaf(
    "strings",
    about,
    options,
    () => {
      const item = z.string(expected("a string", options.sensitive));
      return z.array(item, expected("an array of strings", options.sensitive)).readonly()
        .default(options.default ?? []);
    },
  );
}

export function ints(about: string, names: Names = {}): Key<readonly number[]> {
  return leaf(
    "ints",
    about,
    names,
    () => z.array(integer(), expected("an array of integers")).readonly().default([]),
  );
}

export function floats(about: string, names: Names = {}): Key<readonly number[]> {
  return leaf(
    "floats",
    about,
    names,
    () => z.array(number(), expected("an array of numbers")).readonly().default([]),
  );
}

/** One string, or several of them in order. */
export function stringOrStrings(
  about: string,
  options: Names & { default?: readonly string[] } = {},
): Key<readonly string[]> {
  const what = "a string or an array of strings";
  return leaf("string or strings", about, options, () =>
    z.preprocess(
      (value) => typeof value === "string" ? [value] : value,
      z.array(z.string(expected("a string")), expected(what)).readonly(),
    ).default(options.default ?? []));
}

export function map(about: string, names: Names = {}): Key<Readonly<Record<string, string>>> {
  return leaf("map", about, names, () => record(z.string(expected("a string")), "strings"));
}

export function mapOfBool(
  about: string,
  names: Names = {},
): Key<Readonly<Record<string, boolean>>> {
  return leaf("map of bool", about, names, () => record(boolean(), "booleans"));
}

export function mapOfInt(about: string, names: Names = {}): Key<Readonly<Record<string, number>>> {
  return leaf("map of int", about, names, () => record(integer(), "integers"));
}

export function mapOfStrings(
  about: string,
  names: Names = {},
): Key<Readonly<Record<string, readonly string[]>>> {
  const list = () => z.array(z.string(expected("a string")), expected("an array of strings"));
  return leaf("map of strings", about, names, () => record(list().readonly(), "string arrays"));
}

/** A Go duration (`1h30m`) or nanoseconds, read into milliseconds. */
export function duration(about: string, options: Defaulted<number> = {}): Key<number> {
  const { default: value = 0 } = options;
  return leaf("duration", about, options, () => orDefault(milliseconds(), value, options));
}

export function optionalDuration(about: string, names: Names = {}): Key<number | undefined> {
  return leaf("duration", about, names, () => milliseconds().optional());
}

/** A moment; Go's zero time, which GitLab Runner writes for "never", is read as undefined. */
export function datetime(about: string, names: Names = {}): Key<Date | undefined> {
  return leaf(
    "datetime",
    about,
    names,
    () =>
      z.date(expected("a date and time")).optional().transform((value) =>
        value === undefined || value.getUTCFullYear() <= 1 ? undefined : new Date(value)
      ),
  );
}

/** A table that is handed on as it is. */
export function freeTable(about: string): Key<Readonly<Record<string, unknown>>> {
  return leaf("free table", about, { sensitive: true }, () => record(z.unknown(), "anything"));
}

function leaf<T>(
  type: KeyType,
  about: string,
  options: Names & { sensitive?: boolean },
  build: () => z.ZodType<T>,
): Key<T> {
  const { sensitive = false, flag, env } = options;
  const names = { ...(flag !== undefined && { flag }), ...(env !== undefined && { env }) };
  return { type, about, names, sensitive, schema: once(build) };
}

/** Schemas are built when first needed: a shell runner never pays for kubernetes. */
export function once<T>(build: () => T): () => T {
  let built: { readonly value: T } | undefined;
  return () => (built ??= { value: build() }).value;
}

function orDefault(
  schema: z.ZodType<number>,
  value: number,
  { min = -Infinity, zero }: Defaulted<number>,
): z.ZodType<number> {
  const unset = (given: number) => (given === 0 && zero === undefined) || given < min;
  return schema.default(value).transform((given) => unset(given) ? value : given);
}

function integer() {
  return z.int(expected("an integer"));
}

function number() {
  return z.number(expected("a number"));
}

function boolean() {
  return z.boolean(expected("true or false"));
}

function record<T>(value: z.ZodType<T>, of: string): z.ZodType<Readonly<Record<string, T>>> {
  return z.record(z.string(), value, expected(`a table of ${of}`)).readonly().default({});
}

function milliseconds(): z.ZodType<number> {
  return z.unknown().transform((value, context) => {
    const ms = typeof value === "string" ? parseDuration(value) : nanoseconds(value);
    if (ms !== undefined) return ms;
    context.addIssue({ code: "custom", message: mismatch(DURATION, value) });
    return z.NEVER;
  });
}

const DURATION = 'a duration such as "1h30m"';

function nanoseconds(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) ? value / 1e6 : undefined;
}

/** Error option of a zod schema: what was wanted, and what stands there unless it is a secret. */
export function expected(what: string, hidden = false) {
  return {
    error: ({ input }: { readonly input?: unknown }) =>
      hidden ? `expected ${what}` : mismatch(what, input),
  };
}

/** Enough of a value to find it again. */
const SHOWN_CHARACTERS = 60;

function mismatch(what: string, value: unknown): string {
  return `expected ${what}, got ${shown(value)}`;
}

/** Of tables and lists only the kind: a token may be in there. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a date and time";
  if (typeof value === "object" && value !== null) return "a table";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.slice(0, SHOWN_CHARACTERS);
}
