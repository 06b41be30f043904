/** Command line flags as data, and the values a user gave them. */

import { ConfigurationError } from "../errors.ts";
import { parseBoolean } from "../util/units.ts";

export type FlagKind = "string" | "int" | "bool" | "list" | "map";

/** One flag of a command. */
export interface Flag {
  /** Long names without dashes; values are looked up by the first. */
  readonly names: readonly [string, ...string[]];
  readonly short?: string;
  readonly kind: FlagKind;
  /** Environment variable that is read when the flag is not given. */
  readonly env?: string;
  readonly help: string;
  /** Shown in help, for the reader only. */
  readonly default?: string;
  /** Heading in help. */
  readonly group?: string;
  /** What completion offers as its value. */
  readonly values?: readonly string[];
  /** Left out of `--help`, which would be drowned; completion and `--help-all` know it. */
  readonly advanced?: boolean;
}

/** What the user gave, by the first name of each flag. Unset flags are absent. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** Whether the command line or the environment sets the flag. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** First names of all flags that are set. */
  get names(): Iterable<string> {
    return this.#values.keys();
  }

  /** The last value given. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  bool(name: string): boolean {
    const text = this.text(name);
    return text !== undefined && parseBool(name, text);
  }

  /** Throws ConfigurationError when the value is not a whole number. */
  int(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parseInteger(name, text);
  }
}

/** What Go takes for a boolean. Throws ConfigurationError for anything else. */
export function parseBool(name: string, text: string): boolean {
  const value = parseBoolean(text);
  if (value !== undefined) return value;
  throw new ConfigurationError(`Invalid value "${text}" for --${name}: use true or false`);
}

/** Throws ConfigurationError when `text` is not a whole number. */
export function parseInteger(name: string, text: string): number {
  const value = Number(text);
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new ConfigurationError(`Invalid value "${text}" for --${name}: use a whole number`);
}
