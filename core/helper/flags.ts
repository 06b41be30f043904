/** Command lines of the helper commands: flags as data and one small parser, loaded in no time. */

import { ConfigurationError } from "../errors.ts";
import { parseBoolean, parseDuration } from "../util/units.ts";

export interface HelperFlag {
  /** Without dashes. */
  readonly name: string;
  readonly short?: string;
  readonly type: "string" | "int" | "bool" | "list" | "duration";
  /** Read when the flag is not given. */
  readonly env?: string;
  readonly default?: string;
  readonly help: string;
}

/** What was given, else the environment's value, else the default. */
export class HelperValues {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  /** Words that belong to no flag. */
  readonly operands: readonly string[];

  constructor(values: ReadonlyMap<string, readonly string[]>, operands: readonly string[]) {
    this.#values = values;
    this.operands = operands;
  }

  /** The last value; "" when there is none. */
  text(name: string): string {
    return this.#values.get(name)?.at(-1) ?? "";
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  bool(name: string): boolean {
    return parseBoolean(this.text(name)) === true;
  }

  /** 0 when there is no value. */
  int(name: string): number {
    return Number(this.text(name));
  }

  /** 0 when there is no value. */
  durationMs(name: string): number {
    return parseDuration(this.text(name)) ?? 0;
  }
}

export type ParsedArguments =
  | { readonly kind: "values"; readonly values: HelperValues }
  | { readonly kind: "help" };

/** Throws ConfigurationError for a flag that does not exist and for a value that does not fit. */
export function parseHelperArguments(
  flags: readonly HelperFlag[],
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedArguments {
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === "--help" || word === "-h") return { kind: "help" };
    if (word === "--") {
      operands.push(...argv.slice(at + 1));
      break;
    }
    const [, dashes, name, given] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (dashes === undefined || name === undefined) {
      operands.push(word);
      continue;
    }
    const flag = findFlag(flags, name);
    const value = given ?? (flag.type === "bool" ? "true" : argv[++at]);
    if (value === undefined) throw new ConfigurationError(`Flag --${flag.name} needs a value`);
    checkValue(flag, value);
    values.set(flag.name, [...(flag.type === "list" ? values.get(flag.name) ?? [] : []), value]);
  }
  for (const flag of flags) addFallback(flag, values, env);
  return { kind: "values", values: new HelperValues(values, operands) };
}

/** The table that `--help` prints. */
export function helperHelp(
  command: { readonly name: string; readonly summary: string },
  flags: readonly HelperFlag[],
): string {
  const rows = flags.map((flag) => {
    const term = `--${flag.name}${flag.short === undefined ? "" : `, -${flag.short}`}`;
    const notes = [
      ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
      ...(flag.env === undefined ? [] : [`env ${flag.env}`]),
      ...(flag.type === "list" ? ["repeatable"] : []),
    ];
    return [term, `${flag.help}${notes.length > 0 ? ` (${notes.join(", ")})` : ""}`] as const;
  });
  const width = Math.max(0, ...rows.map(([term]) => term.length));
  const lines = rows.map(([term, help]) => `  ${term.padEnd(width)}  ${help}`);
  return [`${command.name}: ${command.summary}`, "", "Flags:", ...lines, ""].join("\n");
}

function findFlag(flags: readonly HelperFlag[], name: string): HelperFlag {
  const flag = flags.find((each) => each.name === name || each.short === name);
  if (flag === undefined) throw new ConfigurationError(`Unknown flag --${name}; see --help`);
  return flag;
}

function addFallback(
  flag: HelperFlag,
  values: Map<string, string[]>,
  env: Readonly<Record<string, string | undefined>>,
): void {
  if (values.has(flag.name)) return;
  const fromEnv = flag.env === undefined ? undefined : env[flag.env];
  if (fromEnv !== undefined && fromEnv !== "") {
    checkValue(flag, fromEnv);
    values.set(flag.name, [fromEnv]);
  } else if (flag.default !== undefined) values.set(flag.name, [flag.default]);
}

const EXPECTED: Readonly<
  Record<HelperFlag["type"], { test(value: string): boolean; what: string }>
> = {
  string: { test: () => true, what: "text" },
  list: { test: () => true, what: "text" },
  int: { test: (value) => /^-?\d{1,15}$/.test(value), what: "a whole number" },
  bool: { test: (value) => parseBoolean(value) !== undefined, what: "true or false" },
  duration: {
    test: (value) => parseDuration(value) !== undefined,
    what: "a duration such as 1m30s",
  },
};

function checkValue(flag: HelperFlag, value: string): void {
  const expected = EXPECTED[flag.type];
  if (expected.test(value)) return;
  throw new ConfigurationError(`Invalid value "${value}" for --${flag.name}: use ${expected.what}`);
}
