/** Reading config.toml: text → checked, frozen configuration, or one error with every problem. */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { codeOf, ConfigurationError, messageOf } from "../errors.ts";
import { type Keys, once } from "./keys.ts";
import { type Finding, isTable, normalise, type RawTable } from "./normalise.ts";
import { configTable, type GlobalConfig, type RunnerConfig, runnerTable } from "./schema.ts";
import { lineOf, tomlItems } from "./toml_layout.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedConfig {
  readonly config: GlobalConfig;
  /** One line each: `config.toml:7 runners[0].concurent: unknown key, did you mean "concurrent"?` */
  readonly warnings: readonly string[];
}

/**
 * Loads a config.toml. Environment references in `url` and `token` are expanded from `env`.
 * Throws a ConfigurationError that lists all problems, one per line with file, line and key.
 */
export async function loadConfig(
  path: string,
  options: { env: Environment; signal?: AbortSignal },
): Promise<LoadedConfig> {
  return parseConfig(await readConfigText(path, options), { path, env: options.env });
}

/** The text of a config.toml. Throws a ConfigurationError, whose cause has the system's code. */
export async function readConfigText(
  path: string,
  options: { signal?: AbortSignal } = {},
): Promise<string> {
  try {
    const bytes = await readFile(path, options);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    options.signal?.throwIfAborted();
    const why = codeOf(cause) === "ENOENT"
      ? 'the file does not exist; "runner register" creates it'
      : cause instanceof TypeError
      ? "the file is not UTF-8 text"
      : messageOf(cause);
    throw new ConfigurationError(`Cannot read configuration "${path}": ${why}`, { cause });
  }
}

/** As {@link loadConfig}, for a text already read; `path` is what messages call it. */
export function parseConfig(
  text: string,
  options: { path: string; env: Environment },
): LoadedConfig {
  const file = basename(options.path);
  const { document, findings } = normalise(parseDocument(text, options.path), configKeys());
  const problems = list(document["runners"]).flatMap((runner, index) =>
    isTable(runner) ? completeRunner(runner, ["runners", index], options.env) : []
  );
  const parsed = configTable.schema().safeParse(document);
  if (!parsed.success) problems.push(...findingsOf(parsed.error));
  if (problems.length > 0 || !parsed.success) {
    // A key that nobody knows may well be the one that is missing, with a slip in its name.
    throw new ConfigurationError(located(text, file, [...problems, ...findings]).join("\n"));
  }
  return { config: freeze(parsed.data), warnings: located(text, file, findings) };
}

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
    if (document[name] === undefined) {
      const value = once(() => freeze(key.schema().parse(undefined)));
      Object.defineProperty(config, name, { enumerable: true, get: value });
      continue;
    }
    const parsed = key.schema().safeParse(document[name]);
    if (parsed.success) {
      Object.defineProperty(config, name, { enumerable: true, value: freeze(parsed.data) });
    } else {
      problems.push(
        ...findingsOf(parsed.error).map(({ path, message }) => ({
          path: [name, ...path],
          message,
        })),
      );
    }
  }
  return { config: Object.freeze(config) as T, problems };
}

/** The TOML document as it is written. Throws a ConfigurationError with line and column. */
export function parseDocument(text: string, path: string): RawTable {
  try {
    return parse(text, {
      integersAsBigInt: "asNeeded",
      unsafeKeyBehaviour: "throw",
      maxDepth: 100,
    });
  } catch (cause) {
    const file = basename(path);
    if (!(cause instanceof TomlError)) {
      throw new ConfigurationError(`${file}: ${messageOf(cause)}`, { cause });
    }
    const reason = cause.message.split("\n", 1)[0]?.replace("Invalid TOML document: ", "");
    throw new ConfigurationError(`${file}:${cause.line}:${cause.column} ${reason}`, { cause });
  }
}

const REQUIRED = ["url", "token", "executor"] as const;

/** Expands `url` and `token` in place, and finds what every runner must have. */
function completeRunner(
  runner: RawTable,
  path: Finding["path"],
  env: Environment,
): readonly Finding[] {
  const name = typeof runner["name"] === "string" ? runner["name"] : "";
  return REQUIRED.flatMap((key) => {
    const written = runner[key];
    if (typeof written !== "string" && written !== undefined) return [];
    const value = key === "executor" ? written : expandReferences(written ?? "", env);
    if (value) {
      runner[key] = value;
      return [];
    }
    const why = written ? `"${written}" expands to nothing in this environment` : "missing";
    const who = name === "" ? "every runner" : `runner "${name}"`;
    return [{ path: [...path, key], message: `${why}, but ${who} needs it` }];
  });
}

/** `$NAME` and `${NAME}`; unknown names are empty, as GitLab Runner has it. */
export function expandReferences(text: string, env: Environment): string {
  return text.replace(/\$(?:\{([^}]*)\}|(\w+))/g, (_, braced, bare) => env[braced ?? bare] ?? "");
}

function findingsOf(error: z.ZodError): readonly Finding[] {
  return error.issues.map((issue) => {
    const path = issue.path.filter((part) => typeof part !== "symbol");
    return { path, message: issue.message };
  });
}

function located(text: string, file: string, findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return [];
  const items = tomlItems(text);
  return findings
    .map(({ path, message }) => ({ line: lineOf(items, path), place: placeOf(path), message }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, place, message }) => `${file}:${line} ${place}: ${message}`);
}

/** `["runners", 0, "limit"]` → `runners[0].limit`. */
function placeOf(path: Finding["path"]): string {
  return path.map((part) => typeof part === "number" ? `[${part}]` : `.${part}`).join("")
    .replace(/^\./, "");
}

function configKeys() {
  return configTable.table?.keys() ?? {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Tables and lists, all the way down; a Secret or a Date has nothing to freeze. */
function freeze<T>(value: T): T {
  if (Array.isArray(value)) value.forEach(freeze);
  else if (isTable(value)) Object.values(value).forEach(freeze);
  else return value;
  return Object.freeze(value);
}
