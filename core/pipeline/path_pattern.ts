/**
 * Path patterns of `changes` and `exists`, as Ruby's `File.fnmatch` has them, which GitLab uses:
 * `**` spans folders only in front of a slash, hidden names match, and the case counts.
 */

import { expandBraces } from "../archive/glob.ts";

type Segment = { readonly kind: "folders" } | {
  readonly kind: "name";
  readonly parts: readonly Part[];
};

/** What one character of a name has to be, or any run of characters. */
type Part = { readonly kind: "star" } | { readonly kind: "one"; fits(char: string): boolean };

/** A pattern without braces is one alternative. */
export class PathPattern {
  readonly #alternatives: readonly (readonly Segment[])[];

  constructor(pattern: string) {
    this.#alternatives = expandBraces(pattern).map(segmentsOf);
  }

  /** Whether the whole path matches. The time is pattern times path: only the last star is moved. */
  matches(path: string): boolean {
    const names = path.split("/");
    return this.#alternatives.some((segments) =>
      matchesRuns(
        segments,
        names,
        (segment) => segment.kind === "folders",
        (segment, name) => segment.kind === "name" && matchesName(segment.parts, name),
      )
    );
  }
}

function segmentsOf(pattern: string): Segment[] {
  const texts = pattern.split("/");
  return texts.map((text, at) =>
    text === "**" && at < texts.length - 1
      ? { kind: "folders" }
      : { kind: "name", parts: partsOf(text) }
  );
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  const chars = [...text];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === "*") parts.push({ kind: "star" });
    else if (char === "?") parts.push({ kind: "one", fits: () => true });
    else if (char === "\\" && at + 1 < chars.length) parts.push(literal(chars[++at]!));
    else if (char === "[") {
      const end = classEnd(chars, at);
      if (end < 0) return [{ kind: "one", fits: () => false }];
      parts.push(characterClass(chars.slice(at + 1, end)));
      at = end;
    } else parts.push(literal(char));
  }
  return parts;
}

function literal(wanted: string): Part {
  return { kind: "one", fits: (char) => char === wanted };
}

/** An unclosed class matches nothing, as in Ruby. */
function classEnd(chars: readonly string[], open: number): number {
  for (let at = open + 1; at < chars.length; at++) {
    if (chars[at] === "\\") at++;
    else if (chars[at] === "]") return at;
  }
  return -1;
}

function characterClass(body: readonly string[]): Part {
  const negated = body[0] === "!" || body[0] === "^";
  const members = body.slice(negated ? 1 : 0).join("");
  const ranges = [...members.matchAll(/\\?(.)(?:-\\?(.))?/gsu)].map((
    [, from, to],
  ) => [from!, to ?? from!]);
  return {
    kind: "one",
    fits: (char) => ranges.some(([from, to]) => from! <= char && char <= to!) !== negated,
  };
}

function matchesName(parts: readonly Part[], name: string): boolean {
  return matchesRuns(
    parts,
    [...name],
    (part) => part.kind === "star",
    (part, char) => part.kind === "one" && part.fits(char),
  );
}

/**
 * Whether `items` are what `pattern` says, where a wildcard stands for any run of them. When something
 * does not fit, the last wildcard takes one more; earlier ones need never be tried again.
 */
function matchesRuns<Part, Item>(
  pattern: readonly Part[],
  items: readonly Item[],
  isWildcard: (part: Part) => boolean,
  fits: (part: Part, item: Item) => boolean,
): boolean {
  let at = 0;
  let wildcard = -1;
  let resumeAt = 0;
  for (let next = 0; next < items.length;) {
    const part = pattern[at];
    if (part !== undefined && isWildcard(part)) {
      wildcard = at++;
      resumeAt = next;
    } else if (part !== undefined && fits(part, items[next]!)) {
      at++;
      next++;
    } else if (wildcard >= 0) {
      at = wildcard + 1;
      next = ++resumeAt;
    } else return false;
  }
  return pattern.slice(at).every(isWildcard);
}
