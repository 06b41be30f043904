/** What an expression of `rules:if` says. */

import type { Regex } from "../regex/regex.ts";
import type { BinaryOperator } from "./lexer.ts";

export type Expression =
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "pattern"; readonly regex: Regex }
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "not"; readonly operand: Expression }
  | {
    readonly kind: "binary";
    readonly operator: BinaryOperator;
    readonly left: Expression;
    readonly right: Expression;
  };

/** An expression that GitLab refuses, in GitLab's words. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}
