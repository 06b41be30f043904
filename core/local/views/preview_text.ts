/** `--preview`: the expanded CI file as text that GitLab reads as what it says. */

import { dump, SCALAR_STYLE, visit } from "js-yaml";
import { plainScalar } from "../../pipeline/yaml/scalar_value.ts";

export function previewText(preview: Readonly<Record<string, unknown>>): string {
  return dump(preview, {
    noRefs: true,
    lineWidth: -1,
    // GitLab's reader takes more texts for numbers than the writer knows: `1,000`.
    transform: (documents) =>
      visit(documents, (node) => {
        if (node.kind !== "scalar" || !isText(node)) return;
        const read = plainScalar(node.value);
        if (read.kind !== "value" || read.value !== node.value) {
          node.style = SCALAR_STYLE.SINGLE_QUOTED;
        }
      }),
  });
}

function isText({ tag }: { readonly tag: string }): boolean {
  return tag === "tag:yaml.org,2002:str";
}
