/** Puts the values that `!reference` names in its place. */

import type { Problems } from "../problems.ts";
import {
  mapping,
  placeOf,
  scalar,
  sequence,
  type YamlEntry,
  type YamlMapping,
  type YamlNode,
  type YamlReference,
} from "./node.ts";
import { MAX_NODES, TOO_BIG } from "./size.ts";

/** Far beyond GitLab's ten levels of nested lists; what is deeper would only fill the stack. */
const MAX_CHAIN = 30;

/**
 * `root` without references. Each is looked up in the whole configuration, in whatever file it
 * stands; what it names may hold references itself. One that cannot be resolved is reported, and
 * null then.
 */
export function resolveReferences(root: YamlMapping, problems: Problems): YamlMapping {
  const resolved = new Resolver(root, problems).resolve(root, []);
  if (resolved.size > MAX_NODES) problems.add(TOO_BIG, placeOf(root));
  return resolved.kind === "mapping" ? resolved : root;
}

type Collection = Exclude<YamlNode, { kind: "scalar" }>;

class Resolver {
  readonly #root: YamlMapping;
  readonly #problems: Problems;
  /** Nodes may stand in many places; each is resolved once. */
  readonly #done = new Map<YamlNode, YamlNode>();

  constructor(root: YamlMapping, problems: Problems) {
    this.#root = root;
    this.#problems = problems;
  }

  /** `chain` holds the references on the way here, outermost first. */
  resolve(node: YamlNode, chain: readonly YamlReference[]): YamlNode {
    if (node.kind === "scalar" || isPlain(node)) return node;
    const known = this.#done.get(node);
    if (known !== undefined) return known;
    const resolved = this.#resolveNew(node, chain);
    this.#done.set(node, resolved);
    return resolved;
  }

  #resolveNew(node: Collection, chain: readonly YamlReference[]) {
    switch (node.kind) {
      case "reference":
        return this.#resolveReference(node, chain);
      case "sequence": {
        const items = node.items.map((item) => this.resolve(item, chain));
        return items.every((item, index) => item === node.items[index])
          ? node
          : sequence(node, items);
      }
      case "mapping": {
        const changed = new Map<string, YamlEntry>();
        for (const [name, { key, value }] of node.entries) {
          const resolved = this.resolve(value, chain);
          if (resolved !== value) changed.set(name, { key, value: resolved });
        }
        // A key that is set again keeps its place in the order.
        return changed.size === 0 ? node : mapping(node, new Map([...node.entries, ...changed]));
      }
    }
  }

  #resolveReference(node: YamlReference, chain: readonly YamlReference[]): YamlNode {
    const path = pathOf(node);
    if (path === undefined) return this.#fail(node, "is not valid");
    if (chain.includes(node)) return this.#fail(node, "is part of a circular chain");
    if (chain.length >= MAX_CHAIN) return this.#fail(node, "is nested too deep");
    const target = this.#find(path);
    if (target === undefined) return this.#fail(node, "could not be found");
    return this.resolve(target, [...chain, node]);
  }

  #find(path: readonly string[]): YamlNode | undefined {
    let node: YamlNode | undefined = this.#root;
    for (const key of path) {
      node = node?.kind === "mapping" ? node.entries.get(key)?.value : undefined;
    }
    return node?.kind === "scalar" && node.value === null ? undefined : node;
  }

  #fail(node: YamlReference, what: string): YamlNode {
    this.#problems.add(`!reference ${inspect(node.target)} ${what}`, placeOf(node));
    return scalar(node, null);
  }
}

/** Nothing to look for: most lists and mappings hold only scalars. */
function isPlain(node: Collection): boolean {
  switch (node.kind) {
    case "sequence":
      return node.items.every((item) => item.kind === "scalar");
    case "mapping":
      for (const { value } of node.entries.values()) if (value.kind !== "scalar") return false;
      return true;
    case "reference":
      return false;
  }
}

function pathOf({ target }: YamlReference): readonly string[] | undefined {
  if (target.kind !== "sequence" || target.items.length === 0) return undefined;
  const keys = target.items.filter((item) => item.kind === "scalar")
    .filter(({ value }) => typeof value === "string").map(({ text }) => text);
  return keys.length === target.items.length ? keys : undefined;
}

/** As GitLab writes the values of a reference in its messages. */
function inspect(node: YamlNode, nested = false): string {
  switch (node.kind) {
    case "scalar":
      if (nested) return typeof node.value === "string" ? JSON.stringify(node.text) : node.text;
      return node.value === null ? "[]" : JSON.stringify(node.text);
    case "sequence":
      return `[${node.items.map((item) => inspect(item, true)).join(", ")}]`;
    case "mapping": {
      const pairs = [...node.entries].map(([key, { value }]) =>
        `${JSON.stringify(key)}=>${inspect(value, true)}`
      );
      return `{${pairs.join(", ")}}`;
    }
    case "reference":
      return `!reference ${inspect(node.target)}`;
  }
}
