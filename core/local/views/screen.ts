/** Some lines at the end of a terminal that are drawn again and again, below what stays. */

import { withoutEscapes } from "./paint.ts";
import type { ViewOutput } from "./view.ts";

export class Screen {
  readonly #output: ViewOutput;
  #drawn = 0;

  constructor(output: ViewOutput) {
    this.#output = output;
  }

  get columns(): number {
    return this.#output.columns || 80;
  }

  get rows(): number {
    return this.#output.rows || 24;
  }

  /** Replaces the lines. One that is wider than the terminal would break into two. */
  draw(lines: readonly string[]): void {
    const text = lines.map((line) => `${fit(line, this.columns - 1)}\n`).join("");
    this.#output.write(`${this.#erased()}${text}`);
    this.#drawn = lines.length;
  }

  /** Writes text that stays, above the lines, which have to be drawn again. */
  print(text: string): void {
    this.#output.write(`${this.#erased()}${text}`);
    this.#drawn = 0;
  }

  #erased(): string {
    return this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A\r\x1b[J`;
  }
}

/** Cut to so many characters; a line with colours is only cut when it has to be, and loses them. */
export function fit(line: string, width: number): string {
  const plain = withoutEscapes(line);
  if (plain.length <= width) return line;
  return `${plain.slice(0, Math.max(0, width - 1))}…`;
}
