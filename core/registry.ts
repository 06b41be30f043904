/** Names to executors and shells, filled once by the composition root. */

import { ConfigurationError } from "./errors.ts";

/** A table of things that have a name. */
export class Registry<T extends { readonly name: string }> {
  readonly #kind: string;
  readonly #entries: ReadonlyMap<string, T>;
  readonly #open: (name: string) => T | undefined;
  readonly #opened = new Map<string, T>();

  /**
   * `kind` names the things in messages: "executor". A duplicate name is a programming error.
   * `open` makes what is not in the table, once per name.
   */
  constructor(
    kind: string,
    entries: readonly T[],
    open: (name: string) => T | undefined = () => undefined,
  ) {
    this.#kind = kind;
    this.#open = open;
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
    if (this.#entries.size !== entries.length) throw new Error(`Duplicate ${kind} name`);
  }

  /** Names in the table. */
  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Everything in the table, and what was opened so far. */
  get all(): readonly T[] {
    return [...this.#entries.values(), ...this.#opened.values()];
  }

  find(name: string): T | undefined {
    const known = this.#entries.get(name) ?? this.#opened.get(name);
    if (known !== undefined) return known;
    const opened = this.#open(name);
    if (opened !== undefined) this.#opened.set(name, opened);
    return opened;
  }

  /** Throws ConfigurationError that lists the known names. */
  get(name: string): T {
    const entry = this.find(name);
    if (entry !== undefined) return entry;
    throw new ConfigurationError(
      `Unknown ${this.#kind} "${name}"; this build has ${this.names.join(", ")}`,
    );
  }
}
