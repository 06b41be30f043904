import { expect, test } from "bun:test";
import { previewText } from "../../../../core/local/views/preview_text.ts";
import { Problems } from "../../../../core/pipeline/problems.ts";
import { readConfigText } from "../../../../core/pipeline/read_config.ts";
import { toPlain } from "../../../../core/pipeline/yaml/node.ts";
import { parseYaml } from "../../../../core/pipeline/yaml/parse.ts";
import { SourceText } from "../../../../core/pipeline/yaml/source_text.ts";
import { NO_FILES } from "../../pipeline/builders.ts";

const TEXTS = [
  ...["yes", "No", "on", "y", "~", "null", "", " x ", "<<", "=", "!x", "*x", "- x", "a: b # c"],
  ...["1,000", "010", "0x1F", "0b11", "1_000", "1:30", ".5", "1.", "1e3", "+1", "-.inf", ".nan"],
  ...["2024-01-01", "2024-1-1", "2024-01-01 10:00:00", "many\n  lines\n", "tab\tbed", "$[[ x ]]"],
];

test("previewText writes numbers as they are, and not as this machine counts", async () => {
  const text =
    "variables: { A: 1.0, B: 12345678901234567890, C: 010, D: 1.50, E: 1_000, F: '1.0' }\n" +
    "job: { script: x, parallel: 3 }\n";
  const signal = AbortSignal.timeout(10_000);
  const options = { file: "ci.yml", variables: {}, inputs: {}, signal };
  const { preview } = await readConfigText(new SourceText("ci.yml", text), NO_FILES, options);
  expect(previewText(preview)).toBe(
    "variables:\n  A: 1.0\n  B: 12345678901234567890\n  C: 8\n  D: 1.5\n  E: 1000\n  F: '1.0'\n" +
      "job:\n  script: x\n  parallel: 3\n",
  );
});

test("previewText is read by GitLab's rules as what it says", () => {
  const preview = {
    variables: Object.fromEntries(TEXTS.map((text, at) => [`V${at}`, text])),
    "1,000": { script: TEXTS, parallel: 3, interruptible: true, needs: [], when: null },
  };
  const problems = new Problems();
  const [read] = parseYaml(new SourceText("preview", previewText(preview)), problems) ?? [];
  expect(read && toPlain(read)).toEqual(preview);
});
