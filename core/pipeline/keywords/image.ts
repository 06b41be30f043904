/** `image` and `services`. */

import type { CiImage } from "../ci_config.ts";
import { child, isString, unnested, type YamlNode } from "../yaml/node.ts";
import type { Entry, MappingEntry } from "./entry.ts";
import { collectStrings } from "./script.ts";
import { readVariables } from "./variables.ts";

const IMAGE_KEYS = ["name", "entrypoint", "ports", "docker", "kubernetes", "pull_policy"];
const SERVICE_KEYS = [...IMAGE_KEYS, "command", "alias", "variables"];
const PULL_POLICIES = ["always", "never", "if-not-present"];

export function readImage(entry: Entry): CiImage | undefined {
  return readImageLike(entry, IMAGE_KEYS);
}

/** Nested lists come from `!reference`. */
export function readServices(entry: Entry): readonly CiImage[] {
  const { node } = entry;
  if (node.kind !== "sequence") {
    entry.report("config should be a array");
    return [];
  }
  return unnested(node).flatMap((item) =>
    readImageLike(entry.below("service", item), SERVICE_KEYS) ?? []
  );
}

function readImageLike(entry: Entry, keys: readonly string[]): CiImage | undefined {
  if (isString(entry.node) && entry.node.value !== "") return imageOf(entry.node.value);
  if (isString(entry.node)) return entry.report("config can't be blank");
  if (!entry.isMapping()) return entry.report("config should be a hash or a string");
  entry.checkKeys(keys);
  const name = entry.string("name");
  if (name === undefined || name === "") {
    return child(entry.node, "name") === undefined || name === ""
      ? entry.reportKey("name", "can't be blank")
      : undefined;
  }
  const variables = entry.at("variables");
  // They are for GitLab's web terminals, whose configuration is another file.
  const ports = entry.node.entries.get("ports");
  if (ports !== undefined) entry.report("config contains disallowed keys: ports", ports.key);
  return {
    ...imageOf(name),
    // A service answers to several names when they are separated by commas or blanks.
    alias: entry.string("alias")?.split(/[\s,]+/).filter((alias) => alias !== "") ?? [],
    entrypoint: commandAt(entry, "entrypoint"),
    command: commandAt(entry, "command"),
    pullPolicy: readPullPolicy(entry),
    variables: variables === undefined ? {} : readVariables(variables, "job"),
    docker: { platform: "", user: "", ...readOptions(entry, "docker", ["platform", "user"]) },
    kubernetes: { user: "", ...readOptions(entry, "kubernetes", ["user"]) },
  };
}

function imageOf(name: string): CiImage {
  return {
    name,
    alias: [],
    entrypoint: [],
    command: [],
    pullPolicy: [],
    variables: {},
    docker: { platform: "", user: "" },
    kubernetes: { user: "" },
  };
}

function commandAt(entry: MappingEntry, key: string): readonly string[] {
  const node = child(entry.node, key);
  if (node === undefined) return [];
  const words: string[] = [];
  if (node.kind !== "sequence" || !collectStrings(node, 1, words)) {
    entry.reportKey(key, "should be an array of strings");
  }
  return words;
}

function readPullPolicy(entry: MappingEntry): readonly string[] {
  const policies = entry.stringOrStrings("pull_policy") ?? [];
  const unknown = policies.filter((policy) => !PULL_POLICIES.includes(policy));
  if (unknown.length === 0) return policies;
  const pullPolicy = entry.below("pull_policy", child(entry.node, "pull_policy") ?? entry.node);
  pullPolicy.report(
    isString(pullPolicy.node)
      ? `config unknown value: ${unknown.join(", ")}`
      : `config contains unknown values: ${unknown.join(", ")}`,
  );
  return [];
}

/** Options of one executor: texts, or numbers that stand for them. */
function readOptions(
  entry: MappingEntry,
  key: string,
  keys: readonly string[],
): Readonly<Record<string, string>> {
  const options = entry.at(key);
  if (options === undefined) return {};
  if (!options.isMapping()) {
    options.report("config should be a hash");
    return {};
  }
  options.checkKeys(keys);
  return Object.fromEntries(
    keys.flatMap((name) => {
      const text = textOf(child(options.node, name));
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

function textOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === "scalar" && typeof node.value !== "boolean" ? node.text : undefined;
}
