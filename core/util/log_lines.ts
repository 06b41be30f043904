/** A program's output as lines for a log. */

/** What is longer than this is not for people. */
const LONGEST_LINE = 4096;

/** Disposing hands on a last line that has no end. */
export class LogLines implements Disposable {
  readonly #log: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  write(bytes: Uint8Array): undefined {
    const lines = `${this.#rest}${this.#decoder.decode(bytes, { stream: true })}`.split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, LONGEST_LINE);
    for (const line of lines) this.#say(line);
  }

  [Symbol.dispose](): void {
    this.#say(this.#rest);
    this.#rest = "";
  }

  #say(line: string): void {
    if (line.trim() !== "") this.#log(line.trimEnd().slice(0, LONGEST_LINE));
  }
}
