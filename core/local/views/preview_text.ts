/** `--preview`: the expanded CI file as text that GitLab reads as what it says. */

import { defineScalarTag, dump, DUMP_SCHEMA, NOT_RESOLVED, SCALAR_STYLE, visit } from "js-yaml";
import { WrittenNumber } from "../../pipeline/preview.ts";
import { plainScalar } from "../../pipeline/yaml/scalar_value.ts";

const STANDARD = "tag:yaml.org,2002:";

/** Numbers as GitLab writes them; when they are printed they are numbers like all others. */
const WRITTEN_NUMBER = defineScalarTag("!written-number", {
  identify: (value) => value instanceof WrittenNumber,
  represent: ({ text }: WrittenNumber) => text,
  resolve: () => NOT_RESOLVED,
});

export function previewText(preview: Readonly<Record<string, unknown>>): string {
  return dump(preview, {
    schema: DUMP_SCHEMA.withTags(WRITTEN_NUMBER),
    noRefs: true,
    lineWidth: -1,
    // GitLab's reader takes more texts for numbers than the writer knows: `1,000`.
    transform: (documents) =>
      visit(documents, (node) => {
        if (node.kind !== "scalar") return;
        if (node.tag === WRITTEN_NUMBER.tagName) {
          node.tag = `${STANDARD}${/^-?\d+$/.test(node.value) ? "int" : "float"}`;
          node.tagged = false;
        }
        if (node.tag !== `${STANDARD}str`) return;
        const read = plainScalar(node.value);
        if (read.kind !== "value" || read.value !== node.value) {
          node.style = SCALAR_STYLE.SINGLE_QUOTED;
        }
      }),
  });
}
