/** Names to executors and shells, filled once by the composition root. */

import { ConfigurationError } from "./errors.ts";

/** A fixed table of things that have a name. */
export class Registry<T extends { readonly name: string }> {
  readonly #kind: string;
  readonly #entries: ReadonlyMap<string, T>;

  /** `kind` names the things in messages: "executor". A duplicate name is a programming error. */
  constructor(kind: string, entries: readonly T[]) {
    this.#kind = kind;
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
    if (this.#entries.size !== entries.length) throw new Error(`Duplicate ${kind} name`);
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  find(name: string): T | undefined {
    return this.#entries.get(name);
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
