/**
 * GitLab's parser knows YAML 1.1, where lists in brackets, mappings in braces and quoted texts may go
 * on at any column. The reader of events knows YAML 1.2, which wants their lines indented. Blanks at
 * the start of such a line mean nothing, so that it can be given more of them.
 */

/** More than any line of a CI file is indented. */
const MORE_BLANKS = 256;
/** Characters read again for repaired lines, in all: some hundred lines of a large file. */
const MOST_REREAD = 30_000_000;

export class FlowIndentation {
  /** The text as it is to be read. */
  text: string;
  /** Where blanks were put in, as offsets of {@link text}; in rising order. */
  readonly #inserted: number[] = [];
  #reread = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Indents the line of `offset`. False when that has been done, or would take too long. */
  indentLine(offset: number): boolean {
    const start = this.text.lastIndexOf("\n", offset - 1) + 1;
    this.#reread += offset;
    if (this.#inserted.includes(start) || this.#reread > MOST_REREAD) return false;
    this.#inserted.push(start);
    this.text = this.text.slice(0, start) + " ".repeat(MORE_BLANKS) + this.text.slice(start);
    return true;
  }

  /** The offset in the text as it is written. */
  original(offset: number): number {
    let blanks = 0;
    for (const start of this.#inserted) {
      if (start > offset) break;
      blanks += Math.min(MORE_BLANKS, offset - start);
    }
    return offset - blanks;
  }
}
