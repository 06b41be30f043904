/** Quoting for each shell, in one place. */

import { quoteWord } from "../core/util/quote_word.ts";

/**
 * One word of a POSIX shell script with exactly the bytes of `text`. Words with `=` are quoted too:
 * bare and in first place they would be assignments.
 */
export function quotePosix(text: string): string {
  if (/^[A-Za-z0-9_@%+:,./-]+$/.test(text)) return text;
  return quoteWord(text);
}

/** {@link quotePosix} for a path that a program must not take for an option. */
export function quotePosixPath(path: string): string {
  return quotePosix(path.startsWith("-") ? `./${path}` : path);
}
