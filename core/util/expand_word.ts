/** Parameters in a text as a POSIX shell replaces them between double quotes. */

/** The value of a parameter; undefined: it is not set. */
export type ParameterLookup = (name: string) => string | undefined;

/**
 * `text` with its parameters replaced: `$NAME` and `${NAME}`, also with defaults (`:-`, `-`, `:=`,
 * `=`), alternatives (`:+`, `+`), demands (`:?`, `?`), a prefix or suffix taken away (`#`, `##`, `%`,
 * `%%`) and as length (`${#NAME}`). A backslash keeps `$`, a backquote and itself. Nothing is run and
 * nothing is set. Throws an Error that says what is wrong with the text, or what it demands.
 */
export function expandWord(text: string, lookup: ParameterLookup): string {
  const reader = new WordReader(text, lookup);
  return reader.read(false);
}

/** Names of all parameters that the text may ask for. */
export function parametersOf(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/\$\{?#?([A-Za-z_]\w*)/g)].map(([, name = ""]) => name))];
}

const NAME = /[A-Za-z_]\w*/y;
const SPECIAL = /[*@#?\-$!0-9]/y;
const OPERATOR = /:[-=?+]|[-=?+]|##?|%%?/y;

class WordReader {
  readonly #text: string;
  readonly #lookup: ParameterLookup;
  #at = 0;

  constructor(text: string, lookup: ParameterLookup) {
    this.#text = text;
    this.#lookup = lookup;
  }

  /** Up to the end, or up to the brace that ends the parameter that this word belongs to. */
  read(inBraces: boolean): string {
    let out = "";
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at++);
      if (inBraces && char === "}") {
        this.#at--;
        return out;
      }
      if (char === "\\") out += this.#escaped(inBraces);
      else if (char === "$") out += this.#dollar();
      else if (char === "`") throw new Error("command substitution is not supported");
      else out += char;
    }
    if (inBraces) throw new Error("a ${ has no }");
    return out;
  }

  #escaped(inBraces: boolean): string {
    const next = this.#text.charAt(this.#at);
    const isKept = next !== "" && (inBraces ? "$`\\}" : "$`\\").includes(next);
    if (!isKept) return "\\";
    this.#at++;
    return next;
  }

  #dollar(): string {
    const next = this.#text.charAt(this.#at);
    if (next === "(") throw new Error("command substitution is not supported");
    if (next === "{") {
      this.#at++;
      const value = this.#parameter();
      if (this.#text.charAt(this.#at++) !== "}") throw new Error("bad substitution");
      return value;
    }
    const name = this.#match(NAME);
    if (name !== "") return this.#lookup(name) ?? "";
    return this.#match(SPECIAL) === "" ? "$" : "";
  }

  /** What stands between the braces. */
  #parameter(): string {
    if (this.#text.charAt(this.#at) === "#" && this.#text.charAt(this.#at + 1) !== "}") {
      this.#at++;
      return String([...this.#lookup(this.#match(NAME)) ?? ""].length);
    }
    const name = this.#match(NAME);
    if (name === "" && this.#match(SPECIAL) === "") throw new Error("bad substitution");
    const value = name === "" ? undefined : this.#lookup(name);
    const operator = this.#match(OPERATOR);
    if (operator === "") return value ?? "";
    return apply(operator, { name, value, word: this.read(true) });
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }
}

function apply(
  operator: string,
  { name, value, word }: { name: string; value: string | undefined; word: string },
): string {
  const isThere = operator.startsWith(":")
    ? value !== undefined && value !== ""
    : value !== undefined;
  switch (operator.at(-1)) {
    case "-":
    case "=":
      return isThere ? value ?? "" : word;
    case "+":
      return isThere ? word : "";
    case "?":
      if (!isThere) throw new Error(`${name}: ${word || "parameter null or not set"}`);
      return value ?? "";
    case "#":
      return withoutMatch(value ?? "", word, { from: "start", longest: operator === "##" });
    default:
      return withoutMatch(value ?? "", word, { from: "end", longest: operator === "%%" });
  }
}

/** Without the part at one end that the pattern matches. */
function withoutMatch(
  value: string,
  pattern: string,
  { from, longest }: { from: "start" | "end"; longest: boolean },
): string {
  const matches = new RegExp(`^(?:${patternSource(pattern)})$`, "s");
  const lengths = Array.from({ length: value.length + 1 }, (_, index) => index);
  for (const length of longest ? lengths.reverse() : lengths) {
    const cut = from === "start" ? length : value.length - length;
    const [head, tail] = [value.slice(0, cut), value.slice(cut)];
    if (matches.test(from === "start" ? head : tail)) return from === "start" ? tail : head;
  }
  return value;
}

/** `*`, `?` and `[…]` as a regular expression. */
function patternSource(pattern: string): string {
  return pattern.replace(/\[[!^]?\]?[^\]]*\]|[\s\S]/g, (part) => {
    if (part === "*") return ".*";
    if (part === "?") return ".";
    if (part.length > 1) {
      const body = part.slice(1, -1).replace(/^[!^]/, "");
      const isNot = body.length < part.length - 2;
      return `[${isNot ? "^" : ""}${body.replace(/[\\\]^]/g, "\\$&")}]`;
    }
    return part.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
  });
}
