/**
 * A JSON schema of `.gitlab-ci.yml` for editors: which keywords there are and what they do. Values are
 * left to `runner exec`, which reads them as GitLab does: a text may be an input or a reference.
 */

import { SHARED_KEYS } from "../../core/pipeline/keywords/shared.ts";
import { TOP_LEVEL_DEFAULTS } from "../../core/pipeline/keywords/defaults.ts";
import { MORE_OF_FILES, MORE_OF_JOBS, OWN_NAMES, VALUES } from "./keywords.ts";

export interface Row {
  /** `artifacts:reports:dotenv`; `*` is a name of the user's. */
  readonly keyword: string;
  /** What it does. */
  readonly note: string;
}

export interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly (Schema | { readonly enum: readonly string[] })[];
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly $schema?: string;
  readonly title?: string;
}

/** `files` and `jobs` are rows of GitLab's reference, of whole files with their headers and of jobs. */
export function ciSchema(files: readonly Row[], jobs: readonly Row[]): Schema {
  const definitions: Record<string, Schema> = {};
  const ofJobs = growTree([...jobs, ...rowsOf(MORE_OF_JOBS)]);
  const ofFiles = growTree([...files, ...rowsOf(MORE_OF_FILES)]);
  const job = schemaOf(ofJobs, ["job"], definitions);
  const shared = Object.fromEntries(
    SHARED_KEYS.map((key) => [key, definitions["job"]?.properties?.[key] ?? {}]),
  );
  const written = schemaOf(ofFiles, ["file"], definitions).$ref;
  const { properties = {} } = definitions["file"] ?? {};
  delete definitions["file"];
  if (written === undefined) throw new Error("There are no keywords of files");
  definitions["default"] = {
    ...(properties["default"] ?? {}),
    properties: shared,
    additionalProperties: false,
  };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Keywords of .gitlab-ci.yml, as runner exec reads it",
    properties: {
      ...properties,
      ...Object.fromEntries(TOP_LEVEL_DEFAULTS.map((key) => [key, shared[key] ?? {}])),
      default: { $ref: "#/$defs/default" },
    },
    // A hidden job may be anything that others refer to; most are jobs.
    patternProperties: { "^\\.": { anyOf: [job, {}] } },
    additionalProperties: job,
    $defs: definitions,
  };
}

interface Tree {
  note: string;
  readonly children: Map<string, Tree>;
}

function rowsOf(text: string): readonly Row[] {
  return text.trim().split("\n").map((keyword) => ({ keyword, note: "" }));
}

function growTree(rows: readonly Row[]): Tree {
  const root: Tree = { note: "", children: new Map() };
  for (const { keyword, note } of rows) {
    let tree = root;
    // Services stand in a list, and have no names of their own.
    for (const part of keyword.replace(/^services:\*/, "services").split(":")) {
      const child: Tree = tree.children.get(part) ?? { note: "", children: new Map() };
      tree.children.set(part, child);
      tree = child;
    }
    tree.note ||= note;
  }
  return root;
}

/** Keywords with others below them are definitions, for lists hold the same mappings. */
function schemaOf(
  { note, children }: Tree,
  path: readonly string[],
  definitions: Record<string, Schema>,
): Schema {
  const keyword = path.slice(1).join(":");
  const values = VALUES[keyword];
  const about = note === "" ? {} : { description: note };
  if (OWN_NAMES.includes(keyword) || children.size === 0) {
    return { ...about, ...(values === undefined ? {} : { anyOf: [{ enum: values }, {}] }) };
  }
  const below = [...children].map(([name, tree]): [string, Schema] => [
    name,
    schemaOf(tree, [...path, name], definitions),
  ]);
  const named = Object.fromEntries(below);
  const any = named["*"];
  const name = path.join(".");
  const $ref = `#/$defs/${name}`;
  definitions[name] = {
    ...about,
    ...(any === undefined
      ? { properties: named, additionalProperties: false }
      : { additionalProperties: any }),
    items: { $ref },
  };
  return { $ref };
}
