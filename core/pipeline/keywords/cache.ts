/** `cache`. */

import type { CiCache } from "../ci_config.ts";
import { isString, unnested, type YamlNode } from "../yaml/node.ts";
import { type Entry, type MappingEntry, strings } from "./entry.ts";

const MAX_CACHES = 4;
const MAX_FALLBACK_KEYS = 5;
const MAX_KEY_FILES = 2;
const POLICIES = ["pull-push", "push", "pull"];
/** GitLab looks no closer than this: a variable may be anywhere in it. */
const ALLOWED_POLICY = /pull|push|\$/;
const KEYS = ["key", "untracked", "paths", "when", "policy", "unprotect", "fallback_keys"];

/** One mapping or a list of them; nested lists come from `!reference`. */
export function readCaches(entry: Entry): readonly CiCache[] {
  const items: readonly YamlNode[] = entry.node.kind === "sequence"
    ? entry.node.items
    : [entry.node];
  if (items.length > MAX_CACHES) {
    entry.report(`config no more than ${MAX_CACHES} caches can be created`, items[MAX_CACHES]);
  }
  return items.flatMap(unnested).flatMap((item) => readCache(entry.with(item)) ?? []);
}

function readCache(entry: Entry): CiCache | undefined {
  const cache = entry.asMapping();
  if (cache === undefined) return undefined;
  cache.checkKeys(KEYS);
  const policy = cache.string("policy");
  if (policy !== undefined && !ALLOWED_POLICY.test(policy)) {
    cache.reportKey("policy", `should be a variable or one of: ${POLICIES.join(", ")}`);
  }
  const fallbackKeys = stringsBelow(cache, "fallback_keys");
  if (fallbackKeys.length > MAX_FALLBACK_KEYS) {
    // The word is GitLab's.
    cache.reportKey("fallback_keys", `has to many entries (maximum ${MAX_FALLBACK_KEYS})`);
  }
  const key = cache.at("key");
  return {
    key: (key === undefined ? undefined : readKey(key)) ?? { kind: "text", text: "default" },
    fallbackKeys,
    paths: stringsBelow(cache, "paths"),
    untracked: readUntracked(cache.at("untracked")),
    policy: policy ?? "pull-push",
    when: cache.oneOf("when", ["on_success", "on_failure", "always"]) ?? "on_success",
    unprotect: cache.boolean("unprotect") ?? false,
  };
}

function readUntracked(entry: Entry | undefined): boolean {
  if (entry === undefined) return false;
  const { node } = entry;
  if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
  entry.report("config should be a boolean value");
  return false;
}

function readKey(entry: Entry): CiCache["key"] | undefined {
  if (isString(entry.node)) {
    const text = entry.node.value;
    if (text.includes("/") || /%2f/i.test(text)) {
      return entry.report('config cannot contain the "/" character');
    }
    return /^\.+$/.test(text)
      ? entry.report('config cannot be "." or ".."')
      : { kind: "text", text };
  }
  if (!entry.isMapping()) return entry.report("should be a hash, a string or a symbol");
  entry.checkKeys(["files", "files_commits", "prefix"]);
  const lists = ["files", "files_commits"].filter((key) => entry.at(key) !== undefined);
  const by = lists[0];
  if (by === undefined || lists.length > 1) {
    return entry.report("config must use exactly one of these keys: files, files_commits");
  }
  const list = entry.at(by);
  const size = list?.node.kind === "sequence" ? list.node.items.length : 1;
  if (size === 0) list?.report("config requires at least 1 item");
  if (size > MAX_KEY_FILES) {
    list?.report(`config has too many items (maximum is ${MAX_KEY_FILES})`);
  }
  return {
    kind: "files",
    files: stringsBelow(entry, by),
    prefix: entry.string("prefix"),
    by: by === "files" ? "content" : "commits",
  };
}

/** A list that is an entry of its own in GitLab's messages: `cache:paths config should be …`. */
function stringsBelow(entry: MappingEntry, key: string): readonly string[] {
  const list = entry.at(key);
  if (list === undefined) return [];
  return strings(list.node) ?? list.report("config should be an array of strings") ?? [];
}
