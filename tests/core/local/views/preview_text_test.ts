import { expect, test } from "bun:test";
import { previewText } from "../../../../core/local/views/preview_text.ts";
import { Problems } from "../../../../core/pipeline/problems.ts";
import { toPlain } from "../../../../core/pipeline/yaml/node.ts";
import { parseYaml } from "../../../../core/pipeline/yaml/parse.ts";
import { SourceText } from "../../../../core/pipeline/yaml/source_text.ts";

const TEXTS = [
  ...["yes", "No", "on", "y", "~", "null", "", " x ", "<<", "=", "!x", "*x", "- x", "a: b # c"],
  ...["1,000", "010", "0x1F", "0b11", "1_000", "1:30", ".5", "1.", "1e3", "+1", "-.inf", ".nan"],
  ...["2024-01-01", "2024-1-1", "2024-01-01 10:00:00", "many\n  lines\n", "tab\tbed", "$[[ x ]]"],
];

test("previewText is read by GitLab's rules as what it says", () => {
  const preview = {
    variables: Object.fromEntries(TEXTS.map((text, at) => [`V${at}`, text])),
    "1,000": { script: TEXTS, parallel: 3, interruptible: true, needs: [], when: null },
  };
  const problems = new Problems();
  const [read] = parseYaml(new SourceText("preview", previewText(preview)), problems) ?? [];
  expect(read && toPlain(read)).toEqual(preview);
});
