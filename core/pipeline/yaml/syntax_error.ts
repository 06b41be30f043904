/** Says what is wrong with a YAML text in the words of GitLab's own parser, as far as they match. */

const QUOTED = "found unexpected end of stream while scanning a quoted scalar";
const NO_KEY = "did not find expected key while parsing a block mapping";
const NO_VALUE = "mapping values are not allowed in this context";
const NO_TOKEN = "found character that cannot start any token while scanning for the next token";
const NO_COLON = "could not find expected ':' while scanning a simple key";

/** By how the reader's own sentence begins. */
const WORDS: Readonly<Record<string, string>> = {
  "a line break is expected":
    "did not find expected comment or line break while scanning a block scalar",
  "bad indentation of a sequence entry":
    "did not find expected '-' indicator while parsing a block collection",
  "can not read a block mapping entry": NO_COLON,
  "expected ':' after a mapping key": NO_COLON,
  "expected the node content": "did not find expected node content while parsing a flow node",
  "name of an alias node":
    "did not find expected alphabetic or numeric character while scanning an alias",
  "name of an anchor node":
    "did not find expected alphabetic or numeric character while scanning an anchor",
  "tab characters must not be used in indentation": NO_TOKEN,
  "the stream contains non-printable characters": "control characters are not allowed",
  "undeclared tag handle": "found undefined tag handle while parsing a node",
  "unexpected end of the document within a": "found unexpected document indicator while scanning " +
    "a quoted scalar",
  "unexpected end of the stream within a double quoted scalar": QUOTED,
  "unexpected end of the stream within a single quoted scalar": QUOTED,
  "unknown escape sequence": "found unknown escape character while parsing a quoted scalar",
};

/** `reason` is the reader's own sentence about the character at `offset`. */
export function describeSyntaxError(reason: string, text: string, offset: number): string {
  const end = text.indexOf("\n", offset);
  const rest = text.slice(offset, end === -1 ? undefined : end);
  if (/^[@`%\t]/.test(rest)) return NO_TOKEN;
  switch (reason) {
    case "bad indentation of a mapping entry":
      return /:(?:\s|$)/.test(rest) && continuesLine(text, offset) ? NO_VALUE : NO_KEY;
    case "end of the stream or a document separator is expected":
      if (/^-\s/.test(rest)) return NO_KEY;
      return /^[^:]*:(?:\s|$)/.test(rest) && continuesLine(text, offset)
        ? NO_VALUE
        : "did not find expected <document start>";
    case "missed comma between flow collection entries":
    case "unexpected end of the stream within a flow collection":
    case "deficient indentation":
      return describeFlow(text.slice(0, offset));
  }
  const known = Object.keys(WORDS).find((start) => reason.startsWith(start));
  return known === undefined ? reason : WORDS[known] ?? reason;
}

/** Whether what stands at `offset` goes on with a plain text, of its line or of the one before. */
function continuesLine(text: string, offset: number): boolean {
  if (/[\]}"']$/.test(text.slice(0, offset).trimEnd())) return false;
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  if (/[^\s-]/.test(text.slice(start, offset))) return true;
  const before = text.slice(0, start).trimEnd().split("\n").at(-1) ?? "";
  return indentation(text.slice(start)) > indentation(before);
}

function indentation(line: string): number {
  return /^[ -]*/.exec(line)?.[0].length ?? 0;
}

/** What has not been closed: a bracket, a brace, or a quote that hides them. */
function describeFlow(before: string): string {
  const open: string[] = [];
  for (const [token] of before.matchAll(/"(?:[^"\\]|\\.)*"|(?<![\w\\])'(?:[^']|'')*'|[[\]{}]/gs)) {
    if (token === "[" || token === "{") open.push(token);
    else if (token === "]" || token === "}") open.pop();
  }
  return open.at(-1) === "["
    ? "did not find expected ',' or ']' while parsing a flow sequence"
    : "did not find expected ',' or '}' while parsing a flow mapping";
}
