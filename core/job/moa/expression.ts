/** Parser of Moa's expressions, by recursive descent. What it makes of them evaluates itself. */

import {
  arithmetic,
  isTruthy,
  kindOf,
  member,
  MoaError,
  numberOf,
  relation,
  textOf,
  type Value,
} from "./value.ts";

/** Throws MoaError when it has no value. */
export type Expression = (resolve: (name: string) => Value) => Value;

const FUNCTIONS: Readonly<Record<string, (value: Value) => Value>> = {
  str: textOf,
  num: numberOf,
  bool: isTruthy,
};

const LITERALS: Readonly<Record<string, Value>> = { null: null, true: true, false: false };

/** Binary operators that always need both sides, from the loosest to the tightest. */
const LEVELS: readonly {
  readonly operators: readonly string[];
  readonly apply: (operator: string, left: Value, right: Value) => Value;
}[] = [
  { operators: ["==", "!=", "<=", ">=", "<", ">"], apply: relation },
  { operators: ["+", "-"], apply: arithmetic },
  { operators: ["*", "/", "%"], apply: arithmetic },
];

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  '"': '"',
  "/": "/",
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

/** Deeper nesting is nobody's intention, and would exhaust the stack. */
const DEEPEST = 200;

/** Reads one expression of `text`; `at` is where it stands. */
export class ExpressionParser {
  readonly #text: string;
  readonly #template: (text: string) => Expression;
  #depth = 0;
  at: number;

  /** `template` parses the text of a double-quoted string, which may have expressions in turn. */
  constructor(text: string, at: number, template: (text: string) => Expression) {
    this.#text = text;
    this.#template = template;
    this.at = at;
  }

  /** An expression and the `}}` behind it. */
  whole(): Expression {
    const expression = this.#or();
    this.#expect("}}");
    return expression;
  }

  #or(): Expression {
    if (++this.#depth > DEEPEST) throw this.#problem("it is nested too deeply");
    let left = this.#and();
    while (this.#take("||")) {
      const [first, second] = [left, this.#and()];
      left = (resolve) => {
        const value = first(resolve);
        return isTruthy(value) ? value : second(resolve);
      };
    }
    this.#depth--;
    return left;
  }

  #and(): Expression {
    let left = this.#binary(0);
    while (this.#take("&&")) {
      const [first, second] = [left, this.#binary(0)];
      left = (resolve) => {
        const value = first(resolve);
        return isTruthy(value) ? second(resolve) : value;
      };
    }
    return left;
  }

  #binary(index: number): Expression {
    const level = LEVELS[index];
    if (level === undefined) return this.#unary();
    let left = this.#binary(index + 1);
    for (;;) {
      const operator = level.operators.find((each) => this.#take(each));
      if (operator === undefined) return left;
      const [first, second] = [left, this.#binary(index + 1)];
      left = (resolve) => level.apply(operator, first(resolve), second(resolve));
    }
  }

  #unary(): Expression {
    const operator = ["!", "-", "+"].find((each) => this.#take(each));
    if (operator === undefined) return this.#postfix();
    if (++this.#depth > DEEPEST) throw this.#problem("it is nested too deeply");
    const operand = this.#unary();
    this.#depth--;
    if (operator === "!") return (resolve) => !isTruthy(operand(resolve));
    return (resolve) => arithmetic(operator, 0, operand(resolve));
  }

  #postfix(): Expression {
    let left = this.#primary();
    for (;;) {
      const object = left;
      if (this.#take(".")) {
        const name = this.#name();
        left = (resolve) => member(object(resolve), name);
      } else if (this.#take("[")) {
        const key = this.#or();
        this.#expect("]");
        left = (resolve) => member(object(resolve), key(resolve));
      } else return left;
    }
  }

  #primary(): Expression {
    if (this.#take("(")) {
      const inner = this.#or();
      this.#expect(")");
      return inner;
    }
    if (this.#take("[")) return this.#array();
    if (this.#take("{")) return this.#object();
    if (this.#take('"')) return this.#template(this.#quoted());
    if (this.#take("'")) return constant(this.#raw());
    const number = this.#match(/\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (number !== undefined) return constant(Number(number));
    const name = this.#name();
    if (Object.hasOwn(LITERALS, name)) return constant(LITERALS[name] ?? null);
    return this.#take("(") ? this.#call(name) : (resolve) => resolve(name);
  }

  #call(name: string): Expression {
    const run = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (run === undefined) throw this.#problem(`there is no function "${name}"`);
    const argument = this.#or();
    this.#expect(")");
    return (resolve) => run(argument(resolve));
  }

  #array(): Expression {
    const items = this.#list("]", () => this.#or());
    return (resolve) => items.map((item) => item(resolve));
  }

  #object(): Expression {
    const entries = this.#list("}", () => {
      const name = this.#match(/[A-Za-z_]\w*(?=\s*:)/y);
      const key = name === undefined ? this.#primary() : constant(name);
      this.#expect(":");
      return [key, this.#or()] as const;
    });
    return (resolve) =>
      Object.fromEntries(entries.map(([key, value]) => {
        const name = key(resolve);
        if (typeof name === "string") return [name, value(resolve)];
        throw new MoaError(`the key of an object is a string, not ${kindOf(name)}`);
      }));
  }

  /** Items with commas between them, and perhaps one behind the last. */
  #list<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    while (!this.#take(end)) {
      items.push(item());
      if (this.#take(",")) continue;
      this.#expect(end);
      break;
    }
    return items;
  }

  /** A double-quoted string up to its end, escapes done but for that of an expression. */
  #quoted(): string {
    let text = "";
    for (;;) {
      const char = this.#text[this.at++];
      if (char === undefined) throw this.#problem("a string has no end");
      if (char === '"') return text;
      if (char !== "\\") {
        text += this.#text.startsWith("${{", this.at - 1) ? this.#embedded() : char;
        continue;
      }
      const escaped = this.#match(/u[0-9a-fA-F]{4}|\$\{\{|[\\"nrtabfv/]/y);
      if (escaped === undefined) throw this.#problem("a string has an unknown escape");
      if (escaped.startsWith("u")) text += String.fromCharCode(parseInt(escaped.slice(1), 16));
      else text += ESCAPES[escaped] ?? `\\${escaped}`;
    }
  }

  /** The source of an expression inside a string, whose own quotes do not end that string. */
  #embedded(): string {
    const start = this.at - 1;
    const inner = new ExpressionParser(this.#text, start + 3, this.#template);
    inner.#depth = this.#depth + 1;
    inner.whole();
    this.at = inner.at;
    return this.#text.slice(start, inner.at);
  }

  /** A single-quoted string: nothing is special but its end and the backslash before it. */
  #raw(): string {
    const start = this.at;
    const found = this.#match(/(?:[^'\\]|\\.)*'/ys);
    if (found === undefined) throw this.#problem("a string has no end");
    return this.#text.slice(start, this.at - 1).replaceAll(/\\([\\'])/g, "$1");
  }

  #name(): string {
    this.#skipSpace();
    const name = this.#match(/[A-Za-z_]\w*/y);
    if (name === undefined) throw this.#problem("a value is missing");
    return name;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw this.#problem(`"${token}" is missing`);
  }

  #take(token: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  /** What the sticky `pattern` finds right here. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.at] ?? "")) this.at++;
  }

  #problem(what: string): MoaError {
    return new MoaError(`cannot read the expression at character ${this.at + 1}: ${what}`);
  }
}

function constant(value: Value): Expression {
  return () => value;
}
