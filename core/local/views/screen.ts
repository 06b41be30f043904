/** Some lines at the end of a terminal that are drawn again and again, below what stays. */

import { cut, widthOf } from "./text_width.ts";
import type { ViewOutput } from "./view.ts";

export class Screen {
  readonly #output: ViewOutput;
  /** How wide the lines are that are drawn. */
  #drawn: readonly number[] = [];

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
    const fitting = lines.map((line) => cut(line, this.columns - 1));
    this.#output.write(`${this.#erased()}${fitting.map((line) => `${line}\n`).join("")}`);
    this.#drawn = fitting.map(widthOf);
  }

  /** Writes text that stays, above the lines, which have to be drawn again. */
  print(text: string): void {
    this.#output.write(`${this.#erased()}${text}`);
    this.#drawn = [];
  }

  /** A terminal that has become narrower since has broken the lines. */
  #erased(): string {
    const rows = this.#drawn.map((width) => Math.max(1, Math.ceil(width / this.columns)));
    const above = rows.reduce((sum, count) => sum + count, 0);
    return above === 0 ? "" : `\x1b[${above}A\r\x1b[J`;
  }
}
