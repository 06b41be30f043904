/** Says whether an expression of `rules:if` holds. */

import { patternOf } from "../regex/pattern.ts";
import { Regex } from "../regex/regex.ts";
import type { Expression } from "./expression.ts";
import { parseExpression } from "./parse.ts";

/** The value of a variable; undefined: there is none of this name. */
export type VariableLookup = (name: string) => string | undefined;

/** The same of what stands in for variables: inputs can be true or false. */
export type ValueLookup = (name: string) => string | boolean | undefined;

/** Undefined is `null`, which a variable that is not there equals. */
type Value = string | boolean | Regex | undefined;

/** Whether the expression holds. Throws {@link ./expression.ts ExpressionError} for a broken one. */
export function holds(expression: string, variables: ValueLookup): boolean {
  return isPresent(evaluate(parseExpression(expression), variables));
}

/** A text that is empty or only blanks does not hold. */
function isPresent(value: Value): boolean {
  return typeof value === "string" ? value.trim() !== "" : value !== undefined && value !== false;
}

function evaluate(expression: Expression, variables: ValueLookup): Value {
  switch (expression.kind) {
    case "text":
    case "boolean":
      return expression.value;
    case "variable":
      return variables(expression.name);
    case "pattern":
      return expression.regex;
    case "null":
      return undefined;
    case "not":
      return !isPresent(evaluate(expression.operand, variables));
    case "binary":
      return evaluateBinary(expression, variables);
  }
}

function evaluateBinary(
  { operator, left, right }: Extract<Expression, { kind: "binary" }>,
  variables: ValueLookup,
): Value {
  const first = evaluate(left, variables);
  switch (operator) {
    // As in Ruby, an empty text does not stop `&&` and does stop `||`: only null and false are false.
    case "&&":
      return first === undefined || first === false ? first : evaluate(right, variables);
    case "||":
      return first === undefined || first === false ? evaluate(right, variables) : first;
    case "==":
      return equal(first, evaluate(right, variables));
    case "!=":
      return !equal(first, evaluate(right, variables));
    case "=~":
      return matches(first, evaluate(right, variables));
    case "!~":
      return !matches(first, evaluate(right, variables));
  }
}

function equal(left: Value, right: Value): boolean {
  if (left instanceof Regex && right instanceof Regex) return left.source === right.source;
  return left === right;
}

/**
 * On the right of `=~` a variable may hold a pattern. Where it holds anything else, GitLab looks for
 * the left side in it, the other way round.
 */
function matches(value: Value, pattern: Value): boolean {
  if (pattern === undefined || typeof pattern === "boolean") return false;
  const text = value === undefined || value instanceof Regex ? "" : String(value);
  if (pattern instanceof Regex) return pattern.test(text);
  return patternOf(pattern)?.test(text) ?? pattern.includes(text);
}
