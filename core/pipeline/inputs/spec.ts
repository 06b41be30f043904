/** A file's header: which inputs it takes, and what of its component it wants to know. */

import {
  child,
  isNull,
  isString,
  placeOf,
  type YamlMapping,
  type YamlNode,
  type YamlScalar,
} from "../yaml/node.ts";
import { regexOf } from "../regex/pattern.ts";
import type { Regex } from "../regex/regex.ts";
import { Entry, type EntryContext, type MappingEntry, strings } from "../keywords/entry.ts";

const INPUT_TYPES = ["array", "boolean", "number", "string"] as const;
export type InputType = (typeof INPUT_TYPES)[number];

export interface InputSpec {
  readonly key: YamlScalar;
  readonly type: InputType;
  /** Undefined: a value has to be given. A default of null is one. */
  readonly default: YamlNode | undefined;
  readonly options: readonly YamlNode[] | undefined;
  readonly regex: Regex | undefined;
  readonly rules: readonly InputRule[] | undefined;
}

/** Options and default that depend on other inputs. */
export interface InputRule {
  readonly if: InputCondition | undefined;
  readonly options: readonly YamlNode[] | undefined;
  readonly default: YamlNode | undefined;
}

/** `$[[ inputs.a ]] == "x"` with variables in place of inputs, so that their values need no quotes. */
export interface InputCondition {
  readonly expression: string;
  /** Input of the variable `INPUT_0`, `INPUT_1`… */
  readonly inputs: readonly string[];
}

export interface Spec {
  readonly inputs: ReadonlyMap<string, InputSpec>;
  readonly component: readonly string[];
}

const INPUT_KEYS = ["type", "description", "default", "options", "regex", "rules"];
const COMPONENT_KEYS = ["name", "sha", "version", "reference"];
const MAX_OPTIONS = 50;

/** Undefined when the header is wrong; `problems` says why. */
export function readSpec(
  header: YamlMapping,
  context: EntryContext,
): Spec | undefined {
  const before = context.problems.count;
  const spec = specOf(new Entry(header, "header", context));
  return context.problems.count > before ? undefined : spec;
}

function specOf(header: MappingEntry): Spec {
  header.checkKeys(["spec"]);
  const entry = header.at("spec");
  const spec = entry === undefined ? undefined : entry.asMapping();
  if (spec === undefined) return { inputs: new Map(), component: [] };
  spec.checkKeys(["inputs", "component"]);
  const inputs = spec.at("inputs");
  const component = spec.at("component");
  return {
    inputs: inputs === undefined ? new Map() : readInputs(inputs),
    component: component === undefined ? [] : readComponent(component),
  };
}

function readInputs(entry: Entry): ReadonlyMap<string, InputSpec> {
  const inputs = entry.asMapping();
  const specs = new Map<string, InputSpec>();
  for (const [name, { key, value }] of inputs?.node.entries ?? []) {
    const spec = readInput(key, entry.below(name, value));
    if (spec !== undefined) specs.set(name, spec);
  }
  return specs;
}

function readInput(key: YamlScalar, entry: Entry): InputSpec | undefined {
  if (isNull(entry.node)) {
    return {
      key,
      type: "string",
      default: undefined,
      options: undefined,
      regex: undefined,
      rules: undefined,
    };
  }
  if (!entry.isMapping()) {
    entry.context.problems.add(
      `unknown input specification for \`${key.text}\` (valid types: ${INPUT_TYPES.join(", ")})`,
      placeOf(entry.node),
    );
    return undefined;
  }
  entry.checkKeys(INPUT_KEYS);
  entry.checkExclusive(["rules", "options"]);
  entry.checkExclusive(["rules", "default"]);
  entry.string("description");
  const type = entry.oneOf("type", INPUT_TYPES, "unknown value") ?? "string";
  const options = readOptions(entry);
  if (options !== undefined && (type === "boolean" || type === "array")) {
    fail(entry, key, "Options can only be used with string and number inputs", "options");
  }
  return {
    key,
    type,
    default: entry.node.entries.get("default")?.value,
    options,
    regex: readRegex(entry, key, type),
    rules: readInputRules(entry),
  };
}

function readOptions(entry: MappingEntry): readonly YamlNode[] | undefined {
  const node = child(entry.node, "options");
  if (node === undefined) return undefined;
  if (node.kind !== "sequence") return entry.reportKey("options", "should be an array");
  return node.items.length > MAX_OPTIONS
    ? entry.reportKey("options", `cannot define more than ${MAX_OPTIONS} options`)
    : node.items;
}

function readRegex(entry: MappingEntry, key: YamlScalar, type: InputType): Regex | undefined {
  const node = child(entry.node, "regex");
  if (node === undefined) return undefined;
  if (type !== "string") {
    return fail(entry, key, "RegEx validation can only be used with string inputs", "regex");
  }
  if (!isString(node)) return entry.reportKey("regex", "should be a string");
  return regexOf(node.value) ?? fail(entry, key, "invalid regular expression", "regex");
}

function readInputRules(input: MappingEntry): readonly InputRule[] | undefined {
  const entry = input.at("rules");
  if (entry === undefined) return undefined;
  if (entry.node.kind !== "sequence") return entry.report("config should be an array");
  return entry.node.items.flatMap((node) => {
    const rule = entry.below("rule", node).asMapping();
    return rule === undefined ? [] : [readInputRule(rule)];
  });
}

function readInputRule(rule: MappingEntry): InputRule {
  rule.checkKeys(["if", "options", "default"]);
  const condition = readCondition(rule);
  const options = readOptions(rule);
  // Null is a default: there is none, and whoever starts the pipeline says what it is.
  const preset = rule.node.entries.get("default")?.value;
  if (condition === undefined && options === undefined) {
    rule.report("config fallback rule must define 'options'");
  } else if (options === undefined && preset === undefined) {
    rule.report("config rule with 'if' must define 'options' or 'default'");
  }
  return { if: condition, options, default: preset };
}

function readCondition(rule: MappingEntry): InputCondition | undefined {
  const text = rule.string("if");
  if (text === undefined) return undefined;
  const inputs: string[] = [];
  const expression = text.replace(/\$\[\[\s*inputs\.([\w-]+)\s*\]\]/g, (_, name: string) => {
    inputs.push(name);
    return `$INPUT_${inputs.length - 1}`;
  });
  return rule.context.isExpression(expression)
    ? { expression, inputs }
    : rule.reportKey("if", "invalid expression syntax");
}

function readComponent(entry: Entry): readonly string[] {
  const keys = strings(entry.node);
  if (keys === undefined) {
    entry.report("config should be an array of strings");
    return [];
  }
  const unknown = keys.filter((key) => !COMPONENT_KEYS.includes(key));
  if (unknown.length > 0) entry.report(`config contains unknown values: ${unknown.join(", ")}`);
  return keys;
}

function fail(entry: MappingEntry, key: YamlScalar, what: string, at: string): undefined {
  const place = placeOf(child(entry.node, at) ?? key);
  entry.context.problems.add(`\`${key.text}\` input: ${what}`, place);
}
