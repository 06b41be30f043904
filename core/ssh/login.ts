/** One attempt to log in: one way after the other, and what to say when none of them worked. */

import type { AuthHandlerMiddleware } from "ssh2";
import type { LoginWay } from "./credentials.ts";

export class Login {
  readonly #user: string;
  readonly #ways: readonly LoginWay[];
  readonly #tried: LoginWay[] = [];
  /** What the server still takes; undefined before it has said so. */
  #taken: readonly string[] | undefined;
  /** Something has worked, and the server wants more. */
  #isPartial = false;

  constructor(user: string, ways: readonly LoginWay[]) {
    this.#user = user;
    this.#ways = ways;
  }

  /** For ssh2, which asks for one way after the other. The server is first asked what it takes. */
  readonly next: AuthHandlerMiddleware = (left: readonly string[] | null, isPartial, next) => {
    if (left === null) return next({ type: "none", username: this.#user });
    this.#taken = left;
    this.#isPartial ||= isPartial;
    // A list without entries tells nothing.
    const takes = (name: string) => left.length === 0 || left.includes(name);
    const way = this.#ways.find((each) => !this.#tried.includes(each) && takes(each.name));
    // The types do not know that this ends it.
    if (way === undefined) return (next as unknown as (none: false) => void)(false);
    this.#tried.push(way);
    next(way.method);
  };

  /** Why the server did not let us in, and what to do about it. */
  refusal(): string {
    const taken = this.#taken?.join(", ") || "nothing";
    if (this.#ways.length === 0) {
      return `the server wants a login (it takes: ${taken}), and there is nothing to log in with: ` +
        "set identity_file or password in [runners.ssh], or start the runner with an agent";
    }
    if (this.#tried.length === 0) {
      const words = this.#ways.map(({ word }) => word);
      return `the server does not take what there is (${unique(words)}), but: ${taken}`;
    }
    const complaints = this.#tried.flatMap(({ complaint }) => complaint?.() ?? []);
    if (complaints.length > 0) return complaints.join("; ");
    const tried = unique(this.#tried.map(({ word }) => word));
    if (this.#isPartial) {
      return `the server wants more than what there is (tried: ${tried}), namely: ${taken}`;
    }
    const conditions = unique(this.#tried.map(({ condition }) => condition), "; ");
    return `the server refuses the login (tried: ${tried}): ${conditions}; the account must not be ` +
      "locked or have expired, and its login shell has to exist";
  }
}

function unique(words: readonly string[], separator = ", "): string {
  return [...new Set(words)].join(separator);
}
