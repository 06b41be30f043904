/** Splits an expression of `rules:if` and of `only:variables` into its tokens. */

import { ExpressionError } from "./expression.ts";

export type BinaryOperator = "==" | "!=" | "=~" | "!~" | "&&" | "||";

export type Token =
  | { readonly kind: "text" | "variable" | "pattern"; readonly text: string }
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "binary"; readonly operator: BinaryOperator }
  | { readonly kind: "not" }
  | { readonly kind: "open" }
  | { readonly kind: "close" };

/** GitLab refuses an expression that is as long as this. */
const TOO_MANY_TOKENS = 100;

/** What a token looks like, in the order in which GitLab tries them; the first capture is its text. */
const FORMS: readonly (readonly [RegExp, (text: string) => Token])[] = [
  [/(\()/y, () => ({ kind: "open" })],
  [/(\))/y, () => ({ kind: "close" })],
  [/\$(\w+)/y, (text) => ({ kind: "variable", text })],
  [/"([^"\n]*)"/y, (text) => ({ kind: "text", text })],
  [/'([^'\n]*)'/y, (text) => ({ kind: "text", text })],
  // Two characters at least, the last of them no backslash: GitLab does not take `/a/`.
  [/(\/(?:[^/]|\\\/)+[^\\]\/[ismU]*)/y, (text) => ({ kind: "pattern", text })],
  [/(null)/y, () => ({ kind: "null" })],
  [/\b(true|false)\b/y, (text) => ({ kind: "boolean", value: text === "true" })],
  [/(==|=~|!=|!~|&&|\|\|)/y, (text) => ({ kind: "binary", operator: text as BinaryOperator })],
  [/(!)/y, () => ({ kind: "not" })],
];

/** Throws {@link ExpressionError} where no token begins. */
export function tokenize(expression: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at = endOf(/\s*/y, expression, at);
    if (at === expression.length) return tokens;
    if (tokens.length === TOO_MANY_TOKENS - 1) throw new ExpressionError("Too many tokens!");
    const { token, end } = tokenAt(expression, at);
    tokens.push(token);
    at = end;
  }
}

function tokenAt(expression: string, at: number): { readonly token: Token; readonly end: number } {
  for (const [form, make] of FORMS) {
    form.lastIndex = at;
    const match = form.exec(expression);
    if (match !== null) return { token: make(match[1]!), end: form.lastIndex };
  }
  throw new ExpressionError(`Unknown lexeme found! At "${expression.slice(at, at + 20)}"`);
}

function endOf(form: RegExp, text: string, at: number): number {
  form.lastIndex = at;
  form.exec(text);
  return form.lastIndex;
}
