/**
 * YAML as a tree that remembers where each part stands. Nodes are frozen by type; a change makes new
 * ones, which keep the places of what they were made of. One node may stand in several places of a
 * tree (aliases, `extends`, `!reference`).
 */

import type { Place } from "../place.ts";
import type { SourceText } from "./source_text.ts";

export type YamlNode = YamlScalar | YamlSequence | YamlMapping | YamlReference;

interface Positioned {
  readonly source: SourceText;
  readonly offset: number;
  /** Nodes in this tree, those that stand in it several times counted each time. */
  readonly size: number;
}

export interface YamlScalar extends Positioned {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** The value as GitLab turns it into text: `1.0` stays `1.0`, `010` is `8`. */
  readonly text: string;
}

export interface YamlSequence extends Positioned {
  readonly kind: "sequence";
  readonly items: readonly YamlNode[];
}

export interface YamlMapping extends Positioned {
  readonly kind: "mapping";
  /** By the text of the key, in order. */
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

export interface YamlEntry {
  readonly key: YamlScalar;
  readonly value: YamlNode;
}

/** `!reference [job, keyword]`, before it is resolved. */
export interface YamlReference extends Positioned {
  readonly kind: "reference";
  readonly target: YamlScalar | YamlSequence | YamlMapping;
}

/** Plain data: what JSON can say. */
export type Plain = PlainWith<never>;

/** The same with leaves of other kinds. */
export type PlainWith<Leaf> =
  | string
  | number
  | boolean
  | null
  | Leaf
  | readonly PlainWith<Leaf>[]
  | {
    readonly [key: string]: PlainWith<Leaf>;
  };

export function placeOf(node: Positioned): Place {
  return node.source.placeAt(node.offset);
}

export function scalar(
  at: Positioned,
  value: YamlScalar["value"],
  text = value === null ? "" : String(value),
): YamlScalar {
  return { kind: "scalar", source: at.source, offset: at.offset, size: 1, value, text };
}

export function sequence(at: Positioned, items: readonly YamlNode[]): YamlSequence {
  const size = items.reduce((sum, item) => sum + item.size, 1);
  return { kind: "sequence", source: at.source, offset: at.offset, size, items };
}

export function mapping(at: Positioned, entries: ReadonlyMap<string, YamlEntry>): YamlMapping {
  let size = 1;
  for (const { value } of entries.values()) size += value.size;
  return { kind: "mapping", source: at.source, offset: at.offset, size, entries };
}

export function isNull(node: YamlNode | undefined): boolean {
  return node === undefined || (node.kind === "scalar" && node.value === null);
}

export function isString(node: YamlNode | undefined): node is YamlScalar & { value: string } {
  return node?.kind === "scalar" && typeof node.value === "string";
}

export function isInteger(node: YamlNode | undefined): node is YamlScalar & { value: number } {
  return node?.kind === "scalar" && typeof node.value === "number" &&
    Number.isInteger(node.value) && !node.text.includes(".");
}

/** What a sequence holds, and what sequences in it hold; any other node is all there is. */
export function unnested(node: YamlNode): readonly YamlNode[] {
  return node.kind === "sequence" ? node.items.flatMap(unnested) : [node];
}

/** The value below a key, unless it is missing or null. */
export function child(node: YamlMapping, key: string): YamlNode | undefined {
  const value = node.entries.get(key)?.value;
  return isNull(value) ? undefined : value;
}

export function toPlain(node: YamlNode): Plain {
  return toPlainWith<never>(node, ({ value }) => value);
}

/** What scalars become is up to `leaf`: not every number is what it says. */
export function toPlainWith<Leaf>(
  node: YamlNode,
  leaf: (scalar: YamlScalar) => YamlScalar["value"] | Leaf,
): PlainWith<Leaf> {
  switch (node.kind) {
    case "scalar":
      return leaf(node);
    case "sequence":
      return node.items.map((item) => toPlainWith(item, leaf));
    case "mapping": {
      // No prototype, so that a key of `__proto__` is a key like any other.
      const plain: Record<string, PlainWith<Leaf>> = Object.create(null);
      for (const [key, { value }] of node.entries) plain[key] = toPlainWith(value, leaf);
      return plain;
    }
    case "reference":
      return toPlainWith(node.target, leaf);
  }
}

/**
 * `over` laid over `under` as GitLab merges files and extended jobs: mappings key by key, everything
 * else is replaced, also by null.
 */
export function deepMerge(under: YamlMapping, over: YamlMapping): YamlMapping {
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key)?.value;
    const merged = below?.kind === "mapping" && entry.value.kind === "mapping"
      ? { key: entry.key, value: deepMerge(below, entry.value) }
      : entry;
    entries.set(key, merged);
  }
  return mapping(over, entries);
}
