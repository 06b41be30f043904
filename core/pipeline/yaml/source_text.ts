/** The text of one file, and where in it things stand. */

import type { Place } from "../place.ts";

export class SourceText {
  /** As a user would write it: a path in the project, a URL, `project@ref:path`. */
  readonly file: string;
  readonly text: string;
  /** Offsets at which lines start; made when the first place is asked for. */
  #lines: number[] | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  placeAt(offset: number): Place {
    const lines = this.#lines ??= lineStarts(this.text);
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lines[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.file, line: low + 1, column: offset - (lines[low] ?? 0) + 1 };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
