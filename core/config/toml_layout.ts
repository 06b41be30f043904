/** Where the parts of a TOML text stand: for line numbers in messages, and for edits by hand. */

export type TomlPath = readonly (string | number)[];

/** A header or a `key = value`; comments and blank lines lie between items. */
export interface TomlItem {
  readonly kind: "table" | "entry" | "pair";
  /** From the root, with the indices of arrays of tables: `["runners", 0, "docker", "image"]`. */
  readonly path: TomlPath;
  /** Counted from 1. */
  readonly line: number;
  /** Offset of the item's first line. */
  readonly start: number;
  /** Offset behind the item's last line and its line break. */
  readonly end: number;
  /** Of a pair: what stands behind the equals sign, without a comment. */
  readonly value: { readonly start: number; readonly end: number };
}

/** The items of a text that a TOML parser has accepted, in order. Of other texts: a best guess. */
export function tomlItems(text: string): readonly TomlItem[] {
  const items: TomlItem[] = [];
  const counts = new Map<string, number>();
  let table: TomlPath = [];
  let line = 1;
  for (let start = 0; start < text.length;) {
    const item = itemAt(text, start, line, table, counts);
    const end = item?.end ?? lineEnd(text, start);
    if (item) items.push(item);
    if (item && item.kind !== "pair") table = item.path;
    line += countLines(text, start, end);
    start = end;
  }
  return items;
}

/** The line of `path`, or of the nearest item that holds it; names match in any case. */
export function lineOf(items: readonly TomlItem[], path: TomlPath): number {
  for (let length = path.length; length > 0; length--) {
    const wanted = path.slice(0, length);
    const found = items.find((item) => startsWith(item.path, wanted));
    if (found) return found.line;
  }
  return 1;
}

/** Whether `path` is at or below `prefix`. */
export function startsWith(path: TomlPath, prefix: TomlPath): boolean {
  return prefix.every((part, index) => {
    const other = path[index];
    return typeof part === "string" && typeof other === "string"
      ? part.toLowerCase() === other.toLowerCase()
      : part === other;
  });
}

function itemAt(
  text: string,
  start: number,
  line: number,
  table: TomlPath,
  counts: Map<string, number>,
): TomlItem | undefined {
  const at = skipBlanks(text, start);
  if (at >= text.length || /[#\r\n]/.test(text.charAt(at))) return undefined;
  const entry = text.startsWith("[[", at);
  if (entry || text[at] === "[") {
    const { parts } = readKey(text, at + (entry ? 2 : 1));
    const path = entry ? nextEntry(parts, counts) : resolve(parts, counts);
    const end = lineEnd(text, at);
    return {
      kind: entry ? "entry" : "table",
      path,
      line,
      start,
      end,
      value: { start: at, end: at },
    };
  }
  const key = readKey(text, at);
  const from = skipBlanks(text, key.end + 1);
  const to = valueEnd(text, from);
  const path = [...table, ...key.parts];
  return {
    kind: "pair",
    path,
    line,
    start,
    end: lineEnd(text, to),
    value: { start: from, end: to },
  };
}

/** A dotted key: its parts without quotes, and the offset behind it. */
function readKey(text: string, start: number): { parts: readonly string[]; end: number } {
  const part = /[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*(\.?)/y;
  const parts: string[] = [];
  part.lastIndex = start;
  let end = start;
  for (let match = part.exec(text); match; match = part.exec(text)) {
    parts.push(match[1] === undefined ? match[2] ?? match[3] ?? "" : unescape(match[1]));
    end = part.lastIndex;
    if (match[4] === "") break;
  }
  return { parts, end };
}

function unescape(quoted: string): string {
  try {
    return JSON.parse(`"${quoted}"`);
  } catch {
    return quoted;
  }
}

/** Puts the index of the latest entry behind every array of tables on the way. */
function resolve(parts: readonly string[], counts: Map<string, number>): TomlPath {
  const path: (string | number)[] = [];
  for (const part of parts) {
    path.push(part);
    const count = counts.get(keyOf(path));
    if (count !== undefined) path.push(count - 1);
  }
  return path;
}

function nextEntry(parts: readonly string[], counts: Map<string, number>): TomlPath {
  const path = [...resolve(parts.slice(0, -1), counts), ...parts.slice(-1)];
  const index = counts.get(keyOf(path)) ?? 0;
  counts.set(keyOf(path), index + 1);
  return [...path, index];
}

function keyOf(path: TomlPath): string {
  return JSON.stringify(path);
}

/** Offset behind the value that starts at `start`, across the lines of arrays and long strings. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  let end = start;
  for (let at = start; at < text.length;) {
    const character = text.charAt(at);
    if (character === "\n" && depth === 0) break;
    if (character === "#") {
      if (depth === 0) break;
      at = lineEnd(text, at);
      continue;
    }
    if (/["']/.test(character)) at = stringEnd(text, at);
    else at++;
    if (/[[{]/.test(character)) depth++;
    if (/[\]}]/.test(character)) depth--;
    if (!/\s/.test(character)) end = at;
  }
  return end;
}

function stringEnd(text: string, start: number): number {
  const quote = text.charAt(start);
  const long = text.startsWith(quote.repeat(3), start);
  const close = long ? quote.repeat(3) : quote;
  for (let at = start + close.length; at < text.length; at++) {
    if (text[at] === "\\" && quote === '"') at++;
    else if (!long && text[at] === "\n") return at;
    else if (text.startsWith(close, at)) return endOfClose(text, at, close);
  }
  return text.length;
}

/** Up to two quotes may stand directly before the three that end a long string. */
function endOfClose(text: string, at: number, close: string): number {
  let end = at + close.length;
  const quote = close.charAt(0);
  if (close.length === 3) { while (end < at + 5 && text[end] === quote) end++; }
  return end;
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (/[ \t\ufeff]/.test(text.charAt(at))) at++;
  return at;
}

function lineEnd(text: string, start: number): number {
  const at = text.indexOf("\n", start);
  return at < 0 ? text.length : at + 1;
}

function countLines(text: string, start: number, end: number): number {
  let lines = 0;
  for (let at = start; at < end; at++) if (text[at] === "\n") lines++;
  return lines;
}
