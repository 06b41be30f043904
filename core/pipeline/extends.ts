/** Lays each job over the jobs that it extends. */

import type { Problems } from "./problems.ts";
import { deepMerge, isString, mapping, placeOf } from "./yaml/node.ts";
import type { YamlEntry, YamlMapping, YamlNode } from "./yaml/node.ts";
import { MAX_NODES_IN_ALL, TOO_BIG } from "./yaml/size.ts";
import { strings } from "./keywords/entry.ts";

/** A job may stand on ten others, one upon the other: eleven levels with itself. */
const MAX_LEVELS = 10;

/** `root` with all `extends` merged in; the keyword stays where it was written. */
export function resolveExtends(root: YamlMapping, problems: Problems): YamlMapping {
  const extender = new Extender(root, problems);
  let size = 0;
  const changed = new Map<string, YamlEntry>();
  for (const [name, { key, value }] of root.entries) {
    const extended = extender.extend(name, [])?.job;
    if (extended === undefined || extended === value) continue;
    changed.set(name, { key, value: extended });
    size += extended.size;
    if (size > MAX_NODES_IN_ALL) {
      problems.add(TOO_BIG, placeOf(key));
      return root;
    }
  }
  return changed.size === 0 ? root : mapping(root, new Map([...root.entries, ...changed]));
}

/** A job, and how many jobs it stands on at most, one upon the other. */
interface Extended {
  readonly job: YamlMapping;
  readonly levels: number;
}

class Extender {
  readonly #root: YamlMapping;
  readonly #problems: Problems;
  /** What each job became, or that it failed: each is merged once, whoever extends it. */
  readonly #done = new Map<string, Extended | undefined>();

  constructor(root: YamlMapping, problems: Problems) {
    this.#root = root;
    this.#problems = problems;
  }

  /** The job with its bases merged; undefined where it is no mapping or its bases are wrong. */
  extend(name: string, above: readonly string[]): Extended | undefined {
    const job = this.#root.entries.get(name)?.value;
    if (job?.kind !== "mapping") return undefined;
    const keyword = job.entries.get("extends")?.value;
    const bases = keyword === undefined ? undefined : basesOf(keyword);
    if (keyword === undefined || bases === undefined) return { job, levels: 0 };
    if (above.includes(name)) {
      return this.#fail(`${name}: circular dependency detected in \`extends\``, keyword);
    }
    if (!this.#done.has(name)) {
      const valid = above.length <= MAX_LEVELS && this.#check(name, keyword, bases);
      this.#done.set(name, valid ? this.#merge(job, bases, [...above, name]) : undefined);
    }
    const extended = this.#done.get(name);
    if (above.length + (extended?.levels ?? 0) > MAX_LEVELS) {
      return this.#fail(`${name}: nesting too deep in \`extends\``, keyword);
    }
    return extended;
  }

  #merge(
    job: YamlMapping,
    bases: readonly string[],
    above: readonly string[],
  ): Extended | undefined {
    let merged: Extended | undefined;
    for (const base of bases) {
      const extended = this.extend(base, above);
      if (extended === undefined) return undefined;
      merged = merged === undefined ? extended : {
        job: deepMerge(merged.job, extended.job),
        levels: Math.max(merged.levels, extended.levels),
      };
    }
    return merged === undefined
      ? { job, levels: 0 }
      : { job: deepMerge(merged.job, job), levels: merged.levels + 1 };
  }

  #check(name: string, keyword: YamlNode, bases: readonly string[]): boolean {
    const unknown = bases.filter((base) => !this.#root.entries.has(base));
    if (unknown.length > 0) {
      this.#fail(`${name}: unknown keys in \`extends\` (${unknown.join(", ")})`, keyword);
    }
    const invalid = bases.filter((base) => {
      const node = this.#root.entries.get(base)?.value;
      return node !== undefined && node.kind !== "mapping";
    });
    if (invalid.length > 0) {
      this.#fail(`${name}: invalid base hashes in \`extends\` (${invalid.join(", ")})`, keyword);
    }
    return unknown.length === 0 && invalid.length === 0;
  }

  #fail(message: string, at: YamlNode): undefined {
    this.#problems.add(message, placeOf(at));
  }
}

/** What is no name or list of names is reported with the job's other keywords. */
function basesOf(keyword: YamlNode): readonly string[] | undefined {
  return isString(keyword) ? [keyword.value] : strings(keyword);
}
