/** Values of Moa, GitLab's language of `${{ }}` expressions, and what its operators do with them. */

export type Value = null | boolean | number | string | readonly Value[] | ValueObject;

export interface ValueObject {
  readonly [key: string]: Value;
}

/** What is wrong with an expression, for the job's log. */
export class MoaError extends Error {
  override readonly name = "MoaError";
}

/** In the order in which values of different kinds are sorted. */
const KINDS = ["null", "bool", "number", "string", "array", "object"] as const;
type Kind = (typeof KINDS)[number];

export function kindOf(value: Value): Kind {
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "number";
  if (typeof value === "string") return "string";
  return isArray(value) ? "array" : "object";
}

/** What `||`, `&&` and `!` take for true: everything but null, false, 0 and what is empty. */
export function isTruthy(value: Value): boolean {
  if (value === null || typeof value !== "object") return Boolean(value);
  return Object.keys(value).length > 0;
}

/** The text that a value becomes inside other text, and by `str`. */
export function textOf(value: Value): string {
  if (value === null) return "<null>";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function numberOf(value: Value): number {
  const number = typeof value === "number" ? value : Number(value === "" ? "x" : textOf(value));
  if (!Number.isNaN(number)) return number;
  throw new MoaError(`cannot make a number of ${JSON.stringify(value)}`);
}

/** `left.name`, `left["name"]`, `left[0]`. */
export function member(left: Value, key: Value): Value {
  if (left !== null && typeof left === "object") {
    const found = isArray(left)
      ? typeof key === "number" ? left[key] : undefined
      : typeof key === "string" && Object.hasOwn(left, key)
      ? left[key]
      : undefined;
    if (found !== undefined) return found;
  }
  throw new MoaError(`${kindOf(left)} has no member ${JSON.stringify(key)}`);
}

/** Operators of arithmetic convert nothing: both sides are numbers, or for `+` both are texts. */
export function arithmetic(operator: string, left: Value, right: Value): Value {
  if (operator === "+" && typeof left === "string" && typeof right === "string") {
    return left + right;
  }
  if (typeof left !== "number" || typeof right !== "number") {
    throw new MoaError(`cannot use ${operator} with ${kindOf(left)} and ${kindOf(right)}`);
  }
  if ((operator === "/" || operator === "%") && right === 0) {
    throw new MoaError("division by zero");
  }
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    default:
      return left % right;
  }
}

export function relation(operator: string, left: Value, right: Value): boolean {
  const order = compare(left, right);
  switch (operator) {
    case "==":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    default:
      return order >= 0;
  }
}

function compare(left: Value, right: Value): number {
  const kinds = KINDS.indexOf(kindOf(left)) - KINDS.indexOf(kindOf(right));
  if (kinds !== 0) return kinds;
  if (typeof left === "string" && typeof right === "string") {
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  }
  if (left !== null && right !== null && typeof left === "object" && typeof right === "object") {
    return isArray(left) && isArray(right)
      ? compareAll(left, right) || left.length - right.length
      : compareObjects(left as ValueObject, right as ValueObject);
  }
  return Number(left) - Number(right);
}

function compareAll(left: readonly Value[], right: readonly Value[]): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compare(left[index] ?? null, right[index] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

/** By size, then by keys, then by values. */
function compareObjects(left: ValueObject, right: ValueObject): number {
  const [mine, theirs] = [Object.keys(left).sort(), Object.keys(right).sort()];
  if (mine.length !== theirs.length) return mine.length - theirs.length;
  const keys = compareAll(mine, theirs);
  if (keys !== 0) return keys;
  return compareAll(mine.map((key) => left[key] ?? null), mine.map((key) => right[key] ?? null));
}

function isArray(value: object): value is readonly Value[] {
  return Array.isArray(value);
}
