/** Regular expressions between slashes, as configurations and variables write them: `/^v\d+$/i`. */

import { RegexSyntaxError } from "./node.ts";
import { Regex } from "./regex.ts";

/**
 * The regular expression that `text` is, or that one line of it is. Undefined: `text` is none, or one
 * that RE2 refuses. As for GitLab, the flags are `i`, `s`, `m` and `U`, and `\/` is a slash.
 */
export function patternOf(text: string): Regex | undefined {
  const match = /^\/(.*)\/([ismU]*)$/m.exec(text.replaceAll("\\/", "/"));
  if (match === null) return undefined;
  const [, source = "", flags = ""] = match;
  return regexOf(flags === "" ? source : `(?${flags})${source}`);
}

/** Undefined: one that RE2 refuses. */
export function regexOf(source: string): Regex | undefined {
  try {
    return new Regex(source);
  } catch (error) {
    if (error instanceof RegexSyntaxError) return undefined;
    throw error;
  }
}
