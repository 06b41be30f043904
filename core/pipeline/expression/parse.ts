/**
 * Reads an expression of `rules:if`. GitLab orders operators with two stacks and does not look at
 * what stands beside what, so that it takes `$A $B ==` for `$A == $B`; so does this.
 */

import { patternOf } from "../regex/pattern.ts";
import { type Expression, ExpressionError } from "./expression.ts";
import { type BinaryOperator, type Token, tokenize } from "./lexer.ts";

type Waiting = Extract<Token, { kind: "binary" | "not" | "open" }>;
type Ordered = Exclude<Token, { kind: "close" }>;

/** Lower binds tighter. */
const PRECEDENCE: Readonly<Record<BinaryOperator | "!", number>> = {
  "!": 1,
  "==": 10,
  "!=": 10,
  "=~": 10,
  "!~": 10,
  "&&": 11,
  "||": 12,
};

/** Throws {@link ExpressionError} for what GitLab refuses, also for a pattern that RE2 refuses. */
export function parseExpression(text: string): Expression {
  const operands: Expression[] = [];
  for (const token of inPostfixOrder(tokenize(text))) {
    operands.push(build(token, operands));
  }
  const [tree, ...rest] = operands;
  if (tree === undefined) throw new ExpressionError("Empty parse tree");
  if (rest.length > 0) throw new ExpressionError("Unreachable nodes in parse tree");
  return tree;
}

/** Whether GitLab takes the text for an expression. */
export function isExpression(text: string): boolean {
  try {
    parseExpression(text);
    return true;
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}

/** Operands before their operators; an open parenthesis is left where nothing closes it. */
function inPostfixOrder(tokens: readonly Token[]): Ordered[] {
  const ordered: Ordered[] = [];
  const waiting: Waiting[] = [];
  const release = (precedence: number): void => {
    for (let last = waiting.at(-1); last !== undefined; last = waiting.at(-1)) {
      if (last.kind === "open" || precedenceOf(last) > precedence) return;
      ordered.push(last);
      waiting.pop();
    }
  };
  for (const token of tokens) {
    switch (token.kind) {
      case "open":
      case "not":
        waiting.push(token);
        break;
      case "binary":
        release(precedenceOf(token));
        waiting.push(token);
        break;
      case "close":
        release(Number.POSITIVE_INFINITY);
        if (waiting.pop() === undefined) throw new ExpressionError("Unmatched parenthesis");
        break;
      default:
        ordered.push(token);
    }
  }
  return [...ordered, ...waiting.reverse()];
}

function precedenceOf(token: Exclude<Waiting, { kind: "open" }>): number {
  return PRECEDENCE[token.kind === "not" ? "!" : token.operator];
}

/** The expression that `token` makes; an operator takes its operands from the end of `operands`. */
function build(token: Ordered, operands: Expression[]): Expression {
  switch (token.kind) {
    case "text":
      return { kind: "text", value: token.text };
    case "variable":
      return { kind: "variable", name: token.text };
    case "pattern":
      return pattern(token.text);
    case "null":
    case "boolean":
      return token;
    case "not":
      return { kind: "not", operand: taken(operands, "Invalid operand") };
    case "binary": {
      const right = taken(operands, "Invalid right operand");
      const left = taken(operands, "Invalid left operand");
      return { kind: "binary", operator: token.operator, left, right };
    }
    case "open":
      throw new ExpressionError("Unprocessable token found in parse tree: parenthesis_open");
  }
}

function pattern(text: string): Expression {
  const regex = patternOf(text);
  if (regex === undefined) throw new ExpressionError(`Invalid regular expression! ${text}`);
  return { kind: "pattern", regex };
}

function taken(operands: Expression[], problem: string): Expression {
  const operand = operands.pop();
  if (operand === undefined) throw new ExpressionError(problem);
  return operand;
}
