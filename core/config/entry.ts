/** Runner entries from values instead of a file; no TOML is read for them. */

import type { z } from "zod";
import { ConfigurationError } from "../errors.ts";
import { type Key, type Keys, once } from "./keys.ts";
import { type Finding, isTable, normalise, type RawTable } from "./normalise.ts";
import { configTable, type GlobalConfig, type RunnerConfig, runnerTable } from "./schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A runner that stands in no file: flags of `run-single`, a local run. Keys as in the file.
 * Throws a ConfigurationError that lists all problems.
 */
export function runnerConfig(
  values: Readonly<RawTable>,
  options: { env?: Environment } = {},
): RunnerConfig {
  const keys = runnerTable.table?.keys() ?? {};
  const { document, findings } = normalise({ ...values }, keys);
  const problems = [...findings, ...completeRunner(document, [], options.env ?? {})];
  const { config, problems: wrong } = withLateDefaults<RunnerConfig>(keys, document);
  problems.push(...wrong);
  if (problems.length > 0) {
    throw new ConfigurationError(
      problems.map(({ path, message }) => `${placeOf(path)}: ${message}`).join("\n"),
    );
  }
  return config;
}

/** A configuration of these entries alone, with the defaults of an empty file. */
export function configOf(runners: readonly RunnerConfig[], concurrent: number): GlobalConfig {
  const { runners: _runners, ...keys } = configKeys();
  const { config } = withLateDefaults<GlobalConfig>(keys, {});
  const descriptors = Object.getOwnPropertyDescriptors(config);
  const own = { concurrent: { value: concurrent }, runners: { value: runners } };
  return Object.freeze(Object.create(Object.prototype, { ...descriptors, ...own }));
}

/**
 * The table as its schema reads it, except that the default of a key that is not there is made when
 * it is first read: a process that runs one job reads few of them.
 */
function withLateDefaults<T extends object>(
  keys: Keys,
  document: RawTable,
): { readonly config: T; readonly problems: readonly Finding[] } {
  const problems: Finding[] = [];
  const config: object = {};
  for (const [name, key] of Object.entries(keys)) {
    const written = document[name];
    const { value, problems: wrong } = written === undefined
      ? { value: once(() => freeze(key.schema().parse(undefined))), problems: [] }
      : readKey(key, written);
    Object.defineProperty(config, name, { enumerable: true, get: value });
    problems.push(...wrong.map(({ path, message }) => ({ path: [name, ...path], message })));
  }
  return { config: Object.freeze(config) as T, problems };
}

function readKey(key: Key<unknown>, written: unknown) {
  if (key.type === "table" && key.table !== undefined && isTable(written)) {
    const { config, problems } = withLateDefaults(key.table.keys(), written);
    return { value: () => config, problems };
  }
  const parsed = key.schema().safeParse(written);
  if (!parsed.success) return { value: () => undefined, problems: findingsOf(parsed.error) };
  const value = freeze(parsed.data);
  return { value: () => value, problems: [] };
}

const REQUIRED = ["url", "token", "executor"] as const;

/** Expands `url` and `token` in place, and finds what every runner must have to take jobs. */
export function completeRunner(
  runner: RawTable,
  path: Finding["path"],
  env: Environment,
): readonly Finding[] {
  const name = typeof runner["name"] === "string" ? runner["name"] : "";
  return REQUIRED.flatMap((key) => {
    const written = runner[key];
    if (typeof written !== "string" && written !== undefined) return [];
    const value = key === "executor" ? written ?? "" : expandReferences(written ?? "", env);
    runner[key] = value;
    if (value.trim() !== "") return [];
    const why = written ? `"${written}" expands to nothing in this environment` : "missing";
    const who = name === "" ? "every runner" : `runner "${name}"`;
    return [{ path: [...path, key], message: `${why}, but ${who} needs it` }];
  });
}

/** `$NAME` and `${NAME}`; unknown names are empty, as GitLab Runner has it. */
export function expandReferences(text: string, env: Environment): string {
  return text.replace(/\$(?:\{([^}]*)\}|(\w+))/g, (_, braced, bare) => env[braced ?? bare] ?? "");
}

export function findingsOf(error: z.ZodError): readonly Finding[] {
  return error.issues.map((issue) => {
    const path = issue.path.filter((part) => typeof part !== "symbol");
    return { path, message: issue.message };
  });
}

/** `["runners", 0, "limit"]` → `runners[0].limit`. */
export function placeOf(path: Finding["path"]): string {
  return path.map((part) => typeof part === "number" ? `[${part}]` : `.${part}`).join("")
    .replace(/^\./, "");
}

/** The keys of the whole file. */
export function configKeys() {
  return configTable.table?.keys() ?? {};
}

/** Tables and lists, all the way down; a Secret or a Date has nothing to freeze. */
export function freeze<T>(value: T): T {
  if (Array.isArray(value)) value.forEach(freeze);
  else if (isTable(value)) Object.values(value).forEach(freeze);
  else return value;
  return Object.freeze(value);
}
