/** What `include` says: which files, under which rules, with which inputs. */

import type { FileElsewhere } from "../ci_source.ts";
import type { CiRule } from "../ci_config.ts";
import type { Problems } from "../problems.ts";
import {
  child,
  isNull,
  isString,
  placeOf,
  toPlain,
  type YamlMapping,
  type YamlNode,
} from "../yaml/node.ts";
import { Entry, type MappingEntry } from "../keywords/entry.ts";
import { readRules } from "../keywords/rules.ts";

export type IncludeTarget = { readonly kind: "local"; readonly path: string } | FileElsewhere;

export interface IncludeEntry {
  readonly node: YamlNode;
  readonly target: IncludeTarget;
  /** `sha256-…` of a remote file. */
  readonly integrity: string | undefined;
  /** Undefined: always included. */
  readonly rules: readonly CiRule[] | undefined;
  /** What is given to the file's `spec:inputs`; undefined: nothing. */
  readonly inputs: YamlNode | undefined;
}

export interface IncludeContext {
  readonly problems: Problems;
  readonly isExpression: (text: string) => boolean;
  /** Variables in paths and addresses put in. */
  readonly expand: (text: string) => string;
}

const KINDS = ["local", "project", "component", "remote", "template", "artifact"] as const;
const KEYS = [...KINDS, "file", "ref", "job", "rules", "inputs", "integrity", "cache"];
const KIND_NAMES = KINDS.map((kind) => `\`${kind}\``).join(", ");

/** The entries of `include`: one or a list, each a text or a mapping. Wrong ones are reported. */
export function readIncludes(node: YamlNode, context: IncludeContext): readonly IncludeEntry[] {
  if (isNull(node)) return [];
  const items: readonly YamlNode[] = node.kind === "sequence" ? node.items.flatMap(flat) : [node];
  return items.flatMap((item) => readInclude(item, context));
}

function flat(node: YamlNode): readonly YamlNode[] {
  return node.kind === "sequence" ? node.items.flatMap(flat) : [node];
}

function readInclude(node: YamlNode, context: IncludeContext): readonly IncludeEntry[] {
  if (isString(node)) {
    const text = context.expand(node.value);
    const target: IncludeTarget = /^https?:\/\//.test(text)
      ? { kind: "remote", url: text }
      : { kind: "local", path: text };
    return [{ node, target, integrity: undefined, rules: undefined, inputs: undefined }];
  }
  if (node.kind !== "mapping") {
    context.problems.add("include config should be a hash or a string", placeOf(node));
    return [];
  }
  const entry = new Entry(node, "include", context);
  const used = KINDS.filter((kind) => node.entries.has(kind));
  const [kind] = used;
  if (kind === undefined || used.length > 1) {
    reportKinds(node, used.length, context);
    return [];
  }
  const before = context.problems.count;
  entry.checkKeys(KEYS);
  const rules = entry.at("rules");
  const entries = targetsOf(kind, entry, context).map((target) => ({
    node: child(node, kind) ?? node,
    target,
    integrity: entry.string("integrity"),
    rules: rules === undefined ? undefined : readRules(rules, "include"),
    inputs: child(node, "inputs"),
  }));
  // What is wrong is not followed: its file would only be wrong once more.
  return context.problems.count === before ? entries : [];
}

function reportKinds(node: YamlMapping, used: number, { problems }: IncludeContext): void {
  problems.add(
    used > 1
      ? `Each include must use only one of: ${KIND_NAMES}`
      : `\`${JSON.stringify(toPlain(node))}\` does not have a valid subkey for include. ` +
        `Valid subkeys are: ${KIND_NAMES}`,
    placeOf(node),
  );
}

function targetsOf(
  kind: (typeof KINDS)[number],
  entry: MappingEntry,
  { expand, problems }: IncludeContext,
): readonly IncludeTarget[] {
  const node = child(entry.node, kind);
  const text = isString(node) ? expand(node.value) : undefined;
  if (text === undefined) {
    const shown = node === undefined ? "" : JSON.stringify(toPlain(node));
    problems.add(`Included file \`${shown}\` needs to be a string`, placeOf(node ?? entry.node));
    return [];
  }
  switch (kind) {
    case "local":
      return [{ kind, path: text }];
    case "remote":
      return [{ kind, url: text }];
    case "template":
      return [{ kind, name: text }];
    case "component":
      return [{ kind, address: text }];
    case "project":
      return projectFiles(text, entry, { expand, problems });
    case "artifact":
      problems.add("`artifact` can only be included by `trigger:include`", placeOf(entry.node));
      return [];
  }
}

function projectFiles(
  project: string,
  entry: MappingEntry,
  { expand, problems }: Pick<IncludeContext, "expand" | "problems">,
): readonly IncludeTarget[] {
  const ref = entry.string("ref");
  const node = child(entry.node, "file");
  const files: readonly YamlNode[] = node?.kind === "sequence" ? node.items : node ? [node] : [];
  if (files.length === 0 || !files.every(isString)) {
    problems.add(
      `Included file \`${node === undefined ? "" : JSON.stringify(toPlain(node))}\` ` +
        "needs to be a string",
      placeOf(node ?? entry.node),
    );
    return [];
  }
  return files.map((file) => ({
    kind: "project",
    project,
    ref: ref === undefined ? undefined : expand(ref),
    path: expand(file.text).replace(/^\/+/, ""),
  }));
}

/** How an entry is named where its file is: `project@ref:path`, a URL, a path. */
export function locationOf(target: IncludeTarget): string {
  switch (target.kind) {
    case "local":
      return target.path;
    case "remote":
      return target.url;
    case "template":
      return target.name;
    case "component":
      return target.address;
    case "project":
      return `${target.project}${target.ref === undefined ? "" : `@${target.ref}`}:${target.path}`;
  }
}
