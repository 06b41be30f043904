/** A value that must not be printed by accident. */

const conceal = "[secret]";

/** Holds a token or password. Printing, inspecting or serialising it shows only `[secret]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself; call this only where it leaves for its destination. */
  reveal(): string {
    return this.#value;
  }

  get isEmpty(): boolean {
    return this.#value === "";
  }

  toString(): string {
    return conceal;
  }

  toJSON(): string {
    return conceal;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return conceal;
  }
}
