/** Text to trees, one per document of the text. */

import { parseEvents, YAMLException } from "js-yaml";
import type { Problems } from "../problems.ts";
import { composeNodes } from "./compose_nodes.ts";
import { FlowIndentation } from "./flow_indentation.ts";
import type { YamlNode } from "./node.ts";
import { TOO_BIG } from "./size.ts";
import type { SourceText } from "./source_text.ts";
import { describeSyntaxError } from "./syntax_error.ts";

/** GitLab refuses a file that takes more than 2 MB of its memory, or nests deeper than this. */
const MAX_LENGTH = 2 * 1024 * 1024;
const MAX_DEPTH = 100;

/**
 * The documents of a text: none when it is empty, undefined when it is wrong, and `problems` says how.
 * A key that stands twice in a mapping is a warning: GitLab takes the last one.
 */
export function parseYaml(
  source: SourceText,
  problems: Problems,
): readonly YamlNode[] | undefined {
  if (source.text.length > MAX_LENGTH) {
    problems.add(TOO_BIG, source.placeAt(0));
    return undefined;
  }
  const reading = new FlowIndentation(source.text);
  for (;;) {
    try {
      const events = parseEvents(reading.text, { maxDepth: MAX_DEPTH });
      return composeNodes(events, { source, reading, problems });
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const at = error.mark?.position ?? 0;
      if (error.reason === "deficient indentation" && reading.indentLine(at)) continue;
      reportSyntax(source, error.reason, reading.original(at), problems);
      return undefined;
    }
  }
}

function reportSyntax(
  source: SourceText,
  reason: string,
  offset: number,
  problems: Problems,
): void {
  if (reason.startsWith("nesting exceeded")) {
    problems.add(TOO_BIG, source.placeAt(offset));
    return;
  }
  problems.add(describeSyntaxError(reason, source.text, offset), source.placeAt(offset));
}
