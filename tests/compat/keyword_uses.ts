/** Finds out which cases use a keyword. */

import { Problems } from "../../core/pipeline/problems.ts";
import type { YamlMapping, YamlNode } from "../../core/pipeline/yaml/node.ts";
import { parseYaml } from "../../core/pipeline/yaml/parse.ts";
import { SourceText } from "../../core/pipeline/yaml/source_text.ts";
import type { CaseFile } from "../core/pipeline/case_file.ts";

/** Mappings at the top of a file that are no jobs. */
const NO_JOBS: ReadonlySet<string> = new Set([
  "variables",
  "workflow",
  "include",
  "stages",
  "spec",
  "image",
  "services",
  "cache",
]);

/** Whether a file of the case has the keyword: at its top, in `default`, or in a job. */
export function uses(one: CaseFile, keyword: string): boolean {
  const path = keyword.split(":");
  return [...one.files].filter(([name]) => /\.ya?ml$/.test(name)).some(([name, text]) =>
    (parseYaml(new SourceText(name, text), new Problems()) ?? []).some((document) =>
      document.kind === "mapping" &&
      (has(document, path) || jobsOf(document).some((job) => has(job, path)))
    )
  );
}

function jobsOf({ entries }: YamlMapping): YamlMapping[] {
  return [...entries].flatMap(([name, { value }]) =>
    NO_JOBS.has(name) || value.kind !== "mapping" ? [] : [value]
  );
}

function has(node: YamlNode, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  if (node.kind === "sequence") {
    // Of a list, each item; a name of the user's may be its place in it.
    return node.items.some((item) => has(item, key === "*" ? rest : [key, ...rest]));
  }
  if (node.kind !== "mapping") return false;
  if (key === "*") return [...node.entries.values()].some(({ value }) => has(value, rest));
  const entry = node.entries.get(key);
  return entry !== undefined && has(entry.value, rest);
}
