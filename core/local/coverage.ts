/** A job's coverage, as GitLab reads it from a log: from the last line to the first. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { patternOf } from "../pipeline/regex/pattern.ts";
import type { Regex } from "../pipeline/regex/regex.ts";

const PIECE_BYTES = 64 * 1024;
const LINE_FEED = 10;

/** `written` is a regular expression between slashes. Undefined: no line of the log has a number for it. */
export function coverageOf(log: string, written: string): number | undefined {
  const pattern = patternOf(written);
  if (pattern === undefined) return undefined;
  for (const line of linesFromEnd(log)) {
    const coverage = coverageIn(line, pattern);
    if (coverage !== undefined) return Number(coverage);
  }
  return undefined;
}

/** Of several matches in a line the last one counts, and of several groups the last one. */
function coverageIn(line: string, pattern: Regex): string | undefined {
  if (!pattern.test(line)) return undefined;
  const match = pattern.matches(line).at(-1);
  const text = match?.groups.length === 0 ? match.text : match?.groups.at(-1);
  return text === undefined ? undefined : /\d+(?:\.\d+)?/.exec(text)?.[0];
}

function* linesFromEnd(path: string): Generator<string, void, void> {
  const file = openSync(path, "r");
  try {
    /** The beginning of a line whose rest has been read. */
    let rest: Uint8Array = new Uint8Array();
    for (let end = fstatSync(file).size; end > 0;) {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, end));
      end -= piece.length;
      readSync(file, piece, 0, piece.length, end);
      let last = piece.length;
      for (
        let at = piece.lastIndexOf(LINE_FEED);
        at >= 0;
        at = piece.lastIndexOf(LINE_FEED, at - 1)
      ) {
        yield textOf(piece.subarray(at + 1, last), rest);
        rest = new Uint8Array();
        last = at;
        if (at === 0) break;
      }
      rest = Buffer.concat([piece.subarray(0, last), rest]);
    }
    if (rest.length > 0) yield textOf(rest, new Uint8Array());
  } finally {
    closeSync(file);
  }
}

function textOf(start: Uint8Array, rest: Uint8Array): string {
  return Buffer.concat([start, rest]).toString("utf8").replace(/\r+$/, "");
}
