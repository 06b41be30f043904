/** Reading config.toml: text → checked, frozen configuration, or one error with every problem. */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { parse, TomlError } from "smol-toml";
import { codeOf, ConfigurationError, messageOf } from "../errors.ts";
import {
  completeRunner,
  configKeys,
  type Environment,
  findingsOf,
  freeze,
  placeOf,
} from "./entry.ts";
import { type Finding, isTable, normalise, type RawTable } from "./normalise.ts";
import { configTable, type GlobalConfig } from "./schema.ts";
import { labelCountProblems } from "./schema/labels.ts";
import { lineOf, tomlItems } from "./toml_layout.ts";

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
      : codeOf(cause) === "EISDIR"
      ? "it is a directory"
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
  // An entry that lacks something takes no jobs; the others do.
  const warnings = [
    ...list(document["runners"]).flatMap((runner, index) =>
      isTable(runner) ? completeRunner(runner, ["runners", index], options.env) : []
    ),
    // A key that nobody knows may well be the one that is missing, with a slip in its name.
    ...findings,
  ];
  const parsed = configTable.schema().safeParse(document);
  const problems = parsed.success ? labelCountProblems(parsed.data) : findingsOf(parsed.error);
  if (!parsed.success || problems.length > 0) {
    throw new ConfigurationError(located(text, file, [...problems, ...warnings]).join("\n"));
  }
  return { config: freeze(parsed.data), warnings: located(text, file, warnings) };
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
    throw new ConfigurationError(
      `${file}:${cause.line}:${cause.column} ${reasonOf(cause, text)}`,
      { cause },
    );
  }
}

/** The parser calls the end of a line that a string runs over a control character. */
function reasonOf({ message, line, column }: TomlError, text: string): string {
  const reason = message.split("\n", 1)[0]?.replace("Invalid TOML document: ", "") ?? "";
  const atLineEnd = (text.split("\n")[line - 1] ?? "").trimEnd().length < column;
  return atLineEnd && reason.startsWith("control characters")
    ? "a string of this line has no closing quote"
    : reason;
}

function located(text: string, file: string, findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return [];
  const items = tomlItems(text);
  return findings
    .map(({ path, message }) => ({ line: lineOf(items, path), place: placeOf(path), message }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, place, message }) => `${file}:${line} ${place}: ${message}`);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
