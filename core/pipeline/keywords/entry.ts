/** What all keywords share: reading a value, and telling what is wrong with it in GitLab's words. */

import { nearest } from "../../util/nearest.ts";
import { parseCiDuration } from "../duration.ts";
import type { Problems } from "../problems.ts";
import { mayRefer } from "../variables/references.ts";
import {
  child,
  isInteger,
  isNull,
  isString,
  placeOf,
  type YamlMapping,
  type YamlNode,
  type YamlScalar,
} from "../yaml/node.ts";

export interface EntryContext {
  readonly problems: Problems;
  /** Whether a text is an expression of `rules:if`. */
  readonly isExpression: (text: string) => boolean;
}

export type MappingEntry = Entry<YamlMapping>;

/** A value with the name that GitLab gives it in messages: `jobs:test:cache`. */
export class Entry<Node extends YamlNode = YamlNode> {
  readonly node: Node;
  readonly name: string;
  readonly context: EntryContext;

  constructor(node: Node, name: string, context: EntryContext) {
    this.node = node;
    this.name = name;
    this.context = context;
  }

  /** Another value of the same name: GitLab calls each cache of a list `cache`. */
  with<Other extends YamlNode>(node: Other): Entry<Other> {
    return new Entry(node, this.name, this.context);
  }

  /** `jobs:test:cache` and `key` make `jobs:test:cache:key`. */
  below<Other extends YamlNode>(name: string, node: Other): Entry<Other> {
    return new Entry(node, this.name === "" ? name : `${this.name}:${name}`, this.context);
  }

  /** A keyword's value as an entry of its own; undefined when it is not there or null. */
  at(this: MappingEntry, key: string): Entry | undefined {
    const node = child(this.node, key);
    return node === undefined ? undefined : this.below(key, node);
  }

  isMapping(): this is MappingEntry {
    return this.node.kind === "mapping";
  }

  asMapping(): MappingEntry | undefined {
    return this.isMapping() ? this : this.report("config should be a hash");
  }

  /** GitLab writes its messages in lower case, names of jobs and values included. */
  report(message: string, at: YamlNode = this.node): undefined {
    this.context.problems.add(`${this.name} ${message}`.toLowerCase(), placeOf(at));
  }

  /** A problem of one attribute: `jobs:test start in should be a duration`. */
  reportKey(this: MappingEntry, key: string, message: string): undefined {
    const at = this.node.entries.get(key);
    // `start_in` is written with a blank in sentences.
    const name = key.replaceAll("_", " ");
    this.report(`${name} ${message}`, isNull(at?.value) ? at?.key : at?.value);
  }

  /** Something that GitLab takes and that changes nothing on this machine. */
  warn(this: MappingEntry, key: string, message: string): void {
    const at = this.node.entries.get(key)?.key ?? this.node;
    this.context.problems.warn(message, placeOf(at), { keyword: `${this.name}:${key}` });
  }

  /** Reports keys that are not among `known`, with a guess at what was meant. */
  checkKeys(this: MappingEntry, known: readonly string[]): void {
    const unknown: YamlScalar[] = [];
    for (const { key } of this.node.entries.values()) {
      if (!known.includes(key.text)) unknown.push(key);
    }
    const first = unknown[0];
    if (first === undefined) return;
    const names = unknown.map((key) => key.text);
    const message = `config contains unknown keys: ${names.join(", ")}`;
    this.report(`${message}${suggestion(names, known)}`, first);
  }

  checkRequired(this: MappingEntry, required: readonly string[]): void {
    const missing = required.filter((key) => !this.node.entries.has(key));
    if (missing.length > 0) this.report(`config missing required keys: ${missing.join(", ")}`);
  }

  /** Reports keys of which only one may be there. */
  checkExclusive(this: MappingEntry, keys: readonly string[]): void {
    const used = keys.filter((key) => child(this.node, key) !== undefined);
    if (used.length < 2) return;
    const second = this.node.entries.get(used[1] ?? "")?.key;
    this.report(`config these keys cannot be used together: ${used.join(", ")}`, second);
  }

  string(this: MappingEntry, key: string): string | undefined {
    const node = child(this.node, key);
    if (node === undefined) return undefined;
    return isString(node) ? node.value : this.reportKey(key, "should be a string");
  }

  boolean(this: MappingEntry, key: string): boolean | undefined {
    const node = child(this.node, key);
    if (node === undefined) return undefined;
    return node.kind === "scalar" && typeof node.value === "boolean"
      ? node.value
      : this.reportKey(key, "should be a boolean value");
  }

  strings(this: MappingEntry, key: string): readonly string[] | undefined {
    const node = child(this.node, key);
    if (node === undefined) return undefined;
    return strings(node) ?? this.reportKey(key, "should be an array of strings");
  }

  stringOrStrings(this: MappingEntry, key: string): readonly string[] | undefined {
    const node = child(this.node, key);
    if (node === undefined) return undefined;
    if (isString(node)) return [node.value];
    return strings(node) ?? this.reportKey(key, "should be an array of strings or a string");
  }

  integers(this: MappingEntry, key: string): readonly number[] | undefined {
    const node = child(this.node, key);
    if (node === undefined) return undefined;
    const items = node.kind === "sequence" ? node.items : [node];
    const numbers = items.filter(isInteger).map(({ value }) => value);
    return numbers.length === items.length
      ? numbers
      : this.reportKey(key, "should be an array of integers or an integer");
  }

  oneOf<Value extends string>(
    this: MappingEntry,
    key: string,
    values: readonly Value[],
    sentence = `should be one of: ${values.join(", ")}`,
  ): Value | undefined {
    const text = this.string(key);
    if (text === undefined) return undefined;
    return values.find((value) => value === text) ?? this.reportKey(key, sentence);
  }

  /**
   * Checks a duration and gives it as written; `limitSeconds` is the longest allowed. What variables
   * will say cannot be checked.
   */
  duration(
    this: MappingEntry,
    key: string,
    options: {
      readonly limitSeconds?: number;
      readonly never?: boolean;
      readonly variables?: boolean;
    } = {},
  ): string | undefined {
    const node = child(this.node, key);
    if (node === undefined) return undefined;
    if (options.never === true && isString(node) && /^never$/i.test(node.value)) return node.value;
    if (options.variables === true && isString(node) && mayRefer(node.value)) return node.value;
    const seconds = isString(node) ? parseCiDuration(node.value) : undefined;
    if (!isString(node) || seconds === undefined) {
      return this.reportKey(key, "should be a duration");
    }
    return options.limitSeconds !== undefined && seconds > options.limitSeconds
      ? this.reportKey(key, "should not exceed the limit")
      : node.value;
  }
}

/** ` (did you mean "script"?)`, or nothing when nothing is near. */
function suggestion(unknown: readonly string[], known: readonly string[]): string {
  const guesses = unknown.flatMap((name) => nearest(name, known) ?? []);
  return guesses.length === 0
    ? ""
    : ` (did you mean ${guesses.map((guess) => `"${guess}"`).join(", ")}?)`;
}

/** The strings of a sequence of nothing but strings. */
export function strings(node: YamlNode): readonly string[] | undefined {
  if (node.kind !== "sequence") return undefined;
  const values = node.items.filter(isString).map(({ value }) => value);
  return values.length === node.items.length ? values : undefined;
}
