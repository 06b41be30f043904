/** Path patterns as GitLab documents them: `*`, `**`, `?`, `[a-z]`, `{a,b}`; hidden files match too. */

/** One part of a pattern between slashes. */
export type GlobSegment =
  | { readonly kind: "any-depth" }
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "pattern"; readonly regex: RegExp };

/** A pattern without braces is one alternative; each alternative is a list of segments. */
export type Glob = readonly (readonly GlobSegment[])[];

/** More alternatives than this are nobody's intention. */
const MOST_ALTERNATIVES = 1000;

/** `pattern` is relative, with `/` between its parts. An unclosed bracket or brace is literal. */
export function compileGlob(pattern: string): Glob {
  return expandBraces(pattern).map((alternative) =>
    alternative.split("/").filter((part) => part !== "" && part !== ".").map(compileSegment)
  );
}

/** Whether the whole of `path` matches. */
export function matchesGlob(glob: Glob, path: string): boolean {
  const parts = path.split("/");
  return glob.some((segments) => matchesFrom(segments, 0, parts, 0));
}

export function matchesSegment(segment: GlobSegment, name: string): boolean {
  switch (segment.kind) {
    case "any-depth":
      return true;
    case "literal":
      return segment.text === name;
    case "pattern":
      return segment.regex.test(name);
  }
}

function matchesFrom(
  segments: readonly GlobSegment[],
  segmentAt: number,
  parts: readonly string[],
  partAt: number,
): boolean {
  const segment = segments[segmentAt];
  if (segment === undefined) return partAt === parts.length;
  if (segment.kind === "any-depth") {
    for (let next = partAt; next <= parts.length; next++) {
      if (matchesFrom(segments, segmentAt + 1, parts, next)) return true;
    }
    return false;
  }
  const part = parts[partAt];
  return part !== undefined && matchesSegment(segment, part) &&
    matchesFrom(segments, segmentAt + 1, parts, partAt + 1);
}

/** `a{b,c}d` → `abd`, `acd`; braces may stand in braces. */
export function expandBraces(pattern: string): string[] {
  const open = indexOfUnescaped(pattern, "{", 0);
  const group = open < 0 ? undefined : braceGroup(pattern, open);
  if (group === undefined) return [pattern];
  const head = pattern.slice(0, open);
  const tails = expandBraces(pattern.slice(group.end + 1));
  const results: string[] = [];
  for (const option of group.options) {
    for (const middle of expandBraces(option)) {
      for (const tail of tails) {
        if (results.length < MOST_ALTERNATIVES) results.push(head + middle + tail);
      }
    }
  }
  return results;
}

function braceGroup(
  pattern: string,
  open: number,
): { readonly options: string[]; readonly end: number } | undefined {
  const options: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let at = open; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "\\") at++;
    else if (char === "{") depth++;
    else if (char === "," && depth === 1) {
      options.push(pattern.slice(start, at));
      start = at + 1;
    } else if (char === "}" && --depth === 0) {
      return { options: [...options, pattern.slice(start, at)], end: at };
    }
  }
  return undefined;
}

function indexOfUnescaped(text: string, wanted: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === wanted) return at;
  }
  return -1;
}

function compileSegment(part: string): GlobSegment {
  if (part === "**") return { kind: "any-depth" };
  if (!/[*?[\\]/.test(part)) return { kind: "literal", text: part };
  let source = "";
  for (let at = 0; at < part.length; at++) {
    const char = part[at]!;
    const bracketEnd = char === "[" ? classEnd(part, at) : -1;
    if (char === "*") {
      // Neighbouring stars mean the same as one, and would make the expression slow.
      if (part[at - 1] !== "*") source += ".*";
    } else if (char === "?") source += ".";
    else if (char === "\\" && at + 1 < part.length) source += RegExp.escape(part[++at]!);
    else if (bracketEnd > 0) {
      source += characterClass(part.slice(at + 1, bracketEnd));
      at = bracketEnd;
    } else source += RegExp.escape(char);
  }
  return { kind: "pattern", regex: patternOf(source, part) };
}

/** A class such as `[z-a]` is no expression; its pattern then only matches itself. */
function patternOf(source: string, part: string): RegExp {
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    return new RegExp(`^${RegExp.escape(part)}$`, "su");
  }
}

function classEnd(part: string, open: number): number {
  const first = /[!^]/.test(part[open + 1] ?? "") ? open + 2 : open + 1;
  // A bracket right at the beginning belongs to the class.
  return indexOfUnescaped(part, "]", first + 1);
}

function characterClass(body: string): string {
  const negated = /^[!^]/.test(body);
  const members = (negated ? body.slice(1) : body)
    .replace(/\\?(.)/gs, (match, char) => match === "-" ? "-" : RegExp.escape(char));
  return `[${negated ? "^" : ""}${members}]`;
}
