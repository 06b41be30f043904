/** Says what is wrong with a YAML text in the words of GitLab's own parser, as far as they match. */

const WORDS: Readonly<Record<string, string>> = {
  "bad indentation of a sequence entry":
    "did not find expected '-' indicator while parsing a block collection",
  "can not read a block mapping entry": "could not find expected ':' while scanning a simple key",
  "end of the stream or a document separator is expected": "did not find expected <document start>",
  "deficient indentation":
    "found unexpected end while scanning a quoted scalar or parsing a flow collection",
  "expected the node content": "did not find expected node content while parsing a flow node",
  "missed comma between flow collection entries":
    "did not find expected ',' or the end of a flow collection",
  "tab characters must not be used in indentation":
    "found character that cannot start any token while scanning for the next token",
  "unexpected end of the document within a double quoted scalar":
    "found unexpected document indicator while scanning a quoted scalar",
  "unexpected end of the document within a single quoted scalar":
    "found unexpected document indicator while scanning a quoted scalar",
  "unexpected end of the stream within a double quoted scalar":
    "found unexpected end of stream while scanning a quoted scalar",
  "unexpected end of the stream within a flow collection":
    "did not find expected ',' or the end of a flow collection",
  "unexpected end of the stream within a single quoted scalar":
    "found unexpected end of stream while scanning a quoted scalar",
  "unknown escape sequence": "found unknown escape character while parsing a quoted scalar",
};

/** `reason` is the reader's own; `rest` is the text from where it stopped to the end of the line. */
export function describeSyntaxError(reason: string, rest: string): string {
  if (/^[@`%\t]/.test(rest)) {
    return "found character that cannot start any token while scanning for the next token";
  }
  if (reason === "bad indentation of a mapping entry") {
    return /:(?:\s|$)/.test(rest)
      ? "mapping values are not allowed in this context"
      : "did not find expected key while parsing a block mapping";
  }
  if (reason === "end of the stream or a document separator is expected") {
    return /^-\s/.test(rest)
      ? "did not find expected key while parsing a block mapping"
      : "did not find expected '-' indicator while parsing a block collection";
  }
  const known = Object.keys(WORDS).find((start) => reason.startsWith(start));
  return known === undefined ? reason : WORDS[known] ?? reason;
}
