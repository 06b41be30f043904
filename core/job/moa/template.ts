/** Texts with `${{ }}` expressions: literal text and expressions in turn. */

import { type Expression, ExpressionParser } from "./expression.ts";
import { textOf, type Value } from "./value.ts";

const OPEN = "${{";

/** The text with its expressions evaluated. `\${{` is a literal `${{`. Throws MoaError. */
export function expandTemplate(text: string, resolve: (name: string) => Value): string {
  if (!text.includes(OPEN)) return text;
  return textOf(parseTemplate(text)(resolve));
}

function parseTemplate(text: string): Expression {
  const parts: Expression[] = [];
  let literal = "";
  let at = 0;
  for (let found; (found = text.indexOf(OPEN, at)) >= 0;) {
    const isEscaped = text[found - 1] === "\\" && found > at;
    literal += text.slice(at, isEscaped ? found - 1 : found);
    if (isEscaped) {
      literal += OPEN;
      at = found + OPEN.length;
      continue;
    }
    const parser = new ExpressionParser(text, found + OPEN.length, parseTemplate);
    const expression = parser.whole();
    const before = literal;
    parts.push(() => before, expression);
    literal = "";
    at = parser.at;
  }
  const rest = literal + text.slice(at);
  return (resolve) => `${parts.map((part) => textOf(part(resolve))).join("")}${rest}`;
}
