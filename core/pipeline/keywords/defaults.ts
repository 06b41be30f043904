/** `default`, and the keywords at the top of a file that are an old way to write it. */

import { isNull, mapping, type YamlEntry, type YamlMapping } from "../yaml/node.ts";
import type { MappingEntry } from "./entry.ts";
import { type Defaults, readShared, SHARED_KEYS } from "./shared.ts";

export const TOP_LEVEL_DEFAULTS = [
  "before_script",
  "after_script",
  "image",
  "services",
  "cache",
] as const;

export interface ReadDefaults {
  readonly values: Defaults;
  /** As written, both ways in one. */
  readonly node: YamlMapping;
}

/** `root` is the whole configuration. */
export function readDefaults(root: MappingEntry): ReadDefaults {
  const written = root.at("default")?.asMapping();
  const own = written ?? root.below("default", mapping(root.node, new Map<string, YamlEntry>()));
  own.checkKeys(SHARED_KEYS);
  const entries = new Map(own.node.entries);
  for (const key of TOP_LEVEL_DEFAULTS) {
    const entry = root.node.entries.get(key);
    if (entry === undefined || isNull(entry.value)) continue;
    if (entries.has(key)) {
      root.below(key, entry.key).report("is defined in top-level and `default:` entry");
    }
    entries.set(key, entry);
  }
  return {
    values: { ...readShared(root, TOP_LEVEL_DEFAULTS), ...readShared(own, SHARED_KEYS) },
    node: mapping(own.node, entries),
  };
}
