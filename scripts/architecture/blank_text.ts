/** Blanks what is no code, so that rules about code can be patterns. */

/** A slash after one of these starts a regular expression, not a division. */
const BEFORE_EXPRESSION =
  /(?:[=([{,;:!&|?+\-*%~^<>]|\b(?:return|typeof|case|in|of|await|yield|do|else|void|delete))\s*$/;

/**
 * `source` with the contents of comments, strings and regular expressions replaced by spaces: same
 * length, same line breaks, quotes kept, and code inside `${}` kept.
 */
export function blankText(source: string): string {
  const output = [...source.split("")];
  /** Depth of open braces at which each enclosing `${` goes back to template text. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;

  const blank = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (output[i] !== "\n") output[i] = " ";
  };
  const blankUpTo = (from: number, end: number): void => {
    const to = end === -1 ? source.length : end;
    blank(from, to);
    at = to;
  };

  while (at < source.length) {
    const char = source[at];
    if (source.startsWith("//", at)) {
      blankUpTo(at, source.indexOf("\n", at));
    } else if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2);
      blankUpTo(at, end === -1 ? -1 : end + 2);
    } else if (char === '"' || char === "'") {
      blankUpTo(at + 1, endOfLiteral(source, at + 1, char));
      at++;
    } else if (char === "`" || (char === "}" && templates.at(-1) === depth)) {
      if (char === "}") templates.pop();
      const end = endOfTemplateText(source, at + 1);
      blankUpTo(at + 1, end);
      if (source[at] === "$") templates.push(depth);
      at += source[at] === "$" ? 2 : 1;
    } else if (char === "/" && startsExpression(output, at)) {
      blankUpTo(at + 1, endOfPattern(source, at + 1));
      at++;
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      at++;
    }
  }
  return output.join("");
}

function startsExpression(output: readonly string[], at: number): boolean {
  const before = output.slice(Math.max(0, at - 80), at).join("");
  return before.trim() === "" || BEFORE_EXPRESSION.test(before);
}

function endOfLiteral(source: string, from: number, quote: string): number {
  for (let i = from; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === quote) return i;
  }
  return -1;
}

/** Where template text ends: at its closing backtick, or at the `$` of the next `${`. */
function endOfTemplateText(source: string, from: number): number {
  for (let i = from; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === "`" || source.startsWith("${", i)) return i;
  }
  return -1;
}

function endOfPattern(source: string, from: number): number {
  let inClass = false;
  for (let i = from; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === "[") inClass = true;
    else if (source[i] === "]") inClass = false;
    else if (source[i] === "/" && !inClass) return i;
  }
  return -1;
}
