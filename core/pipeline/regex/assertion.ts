/** Whether a place between two characters is what a pattern says. */

import type { Assertion } from "./node.ts";

export function asserts(assertion: Assertion, chars: readonly number[], at: number): boolean {
  switch (assertion) {
    case "text-start":
      return at === 0;
    case "text-end":
      return at === chars.length;
    case "line-start":
      return at === 0 || chars[at - 1] === 10;
    case "line-end":
      return at === chars.length || chars[at] === 10;
    case "word-boundary":
      return isWord(chars[at - 1]) !== isWord(chars[at]);
    case "no-word-boundary":
      return isWord(chars[at - 1]) === isWord(chars[at]);
  }
}

function isWord(char: number | undefined): boolean {
  return char !== undefined && char < 128 && /\w/.test(String.fromCharCode(char));
}
