/** The schema that editors complete CI files with, against every case of what GitLab takes and refuses. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Problems } from "../../core/pipeline/problems.ts";
import { readConfigText } from "../../core/pipeline/read_config.ts";
import { toPlain } from "../../core/pipeline/yaml/node.ts";
import { parseYaml } from "../../core/pipeline/yaml/parse.ts";
import { SourceText } from "../../core/pipeline/yaml/source_text.ts";
import { renderSchema, SCHEMA_PATH } from "../../scripts/ci_schema.ts";
import { VALUES } from "../../scripts/ci_schema/keywords.ts";
import type { Schema } from "../../scripts/ci_schema/schema.ts";
import { loadKeywords } from "../compat/keyword_table.ts";
import { loadCases } from "../core/pipeline/case_file.ts";
import { NO_FILES } from "../core/pipeline/builders.ts";

const TEXT = readFileSync(SCHEMA_PATH, "utf8");
const SCHEMA: Schema = JSON.parse(TEXT);

/** Keywords that GitLab knows of other jobs: a job with a trigger has no script, and the like. */
const KNOWN_ELSEWHERE = [
  "reading/trigger/and_script: trigger",
  "reading/trigger/with_job_keywords: image",
  "reading/trigger/with_job_keywords: tags",
  "reading/trigger/wrong: branch",
  // In a hidden job, which may be anything.
  "reading/extends/problem_in_base: imagee",
];

test("docs/gitlab-ci.schema.json says what the tables of keywords say", async () => {
  expect(renderSchema(await loadKeywords()) === TEXT, "run bun scripts/ci_schema.ts").toBe(true);
}, 60_000);

test.each(Object.entries(VALUES))(
  "the values that are offered for %s are taken",
  async (keyword, values) => {
    for (const value of values) {
      const text = JSON.stringify({ job: jobWith(keyword.split(":"), value) });
      const source = new SourceText(".gitlab-ci.yml", text);
      const signal = new AbortController().signal;
      const file = { file: ".gitlab-ci.yml", variables: {}, inputs: {}, signal };
      await readConfigText(source, NO_FILES, file);
    }
  },
);

/** A job that says this, and what goes with it. */
function jobWith([first = "", ...rest]: readonly string[], value: string): Record<string, unknown> {
  const inner = rest.toReversed().reduce<unknown>(
    (below, key) => ({ ...BESIDE[key], [key]: below }),
    value,
  );
  const own = first === "services" ? [{ name: "image", ...Object(inner) }] : inner;
  const named = ["environment", "image"].includes(first) ? { name: "name", ...Object(own) } : own;
  if (first === "trigger") return { trigger: { project: "a/b", ...Object(own) } };
  return { script: "x", [first]: named, ...(value === "delayed" ? { start_in: "1 day" } : {}) };
}

const BESIDE: Readonly<Record<string, object>> = { coverage_format: { path: "coverage.xml" } };

describe("docs/gitlab-ci.schema.json", () => {
  const cases = ["reading", "composing"].map(async (folder) =>
    (await loadCases(folder)).flatMap((one) => {
      const text = one.files.get(".gitlab-ci.yml");
      return text === undefined ? [] : [{
        name: `${folder}/${one.name}`,
        unknown: unknownIn(text),
        errors: one.sections.get("errors") ?? "",
      }];
    })
  );

  test("knows every keyword of the cases that are right", async () => {
    const wrong = (await Promise.all(cases)).flat()
      .filter(({ errors, unknown }) => errors === "" && unknown.length > 0);
    expect(wrong.map(({ name, unknown }) => `${name}: ${unknown}`)).toEqual([]);
  });

  test("does not know those that GitLab does not know", async () => {
    const missed = (await Promise.all(cases)).flat().flatMap(({ name, errors, unknown }) => {
      const keys = [...errors.matchAll(/^\.gitlab-ci\.yml:.+ unknown keys: (.+?)(?: \(did|$)/gm)]
        .flatMap(([, list = ""]) => list.split(", "));
      // Messages are in lower case.
      const told = unknown.map((key) => key.toLowerCase());
      return keys.filter((key) => !told.includes(key)).map((key) => `${name}: ${key}`);
    });
    expect(missed.toSorted()).toEqual(KNOWN_ELSEWHERE.toSorted());
  });
});

/** Names of keys, in any of the documents of the text, that the schema does not know. */
function unknownIn(text: string): string[] {
  const documents = parseYaml(new SourceText(".gitlab-ci.yml", text), new Problems()) ?? [];
  return documents.flatMap((document) => unknownKeys(SCHEMA, toPlain(document)));
}

function unknownKeys(schema: Schema, value: unknown): string[] {
  const { $ref } = schema;
  if ($ref !== undefined) {
    const found = SCHEMA.$defs?.[$ref.replace("#/$defs/", "")];
    if (found === undefined) throw new Error(`There is no definition ${$ref}`);
    return unknownKeys(found, value);
  }
  if (Array.isArray(value)) return value.flatMap((item) => unknownKeys(schema.items ?? {}, item));
  if (typeof value !== "object" || value === null) return [];
  const { properties = {}, patternProperties = {}, additionalProperties = true } = schema;
  return Object.entries(value).flatMap(([key, item]) => {
    const below = properties[key] ??
      Object.entries(patternProperties).find(([form]) => new RegExp(form).test(key))?.[1] ??
      additionalProperties;
    if (typeof below === "boolean") return below ? [] : [key];
    return unknownKeys(below, item);
  });
}
