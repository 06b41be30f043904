/** The value of every input: what was given, or its default, checked against what the header asks. */

import { holds } from "../expression/evaluate.ts";
import type { Problems } from "../problems.ts";
import {
  isNull,
  mapping,
  placeOf,
  scalar,
  type YamlEntry,
  type YamlMapping,
  type YamlNode,
} from "../yaml/node.ts";
import type { GivenInputs } from "./apply_header.ts";
import { valueOfText } from "./command_line.ts";
import type { InputRule, InputSpec, InputType } from "./spec.ts";

export interface InputContext {
  readonly problems: Problems;
  /** Who forgot a value; undefined: the command line. */
  readonly includedBy: YamlNode | undefined;
}

/** Undefined when something is wrong; `problems` says what. */
export function inputValues(
  specs: ReadonlyMap<string, InputSpec>,
  given: GivenInputs | undefined,
  context: InputContext & { readonly header: YamlMapping },
): YamlMapping | undefined {
  const values = new InputReader(specs, given, context).read();
  return values === undefined ? undefined : mapping(context.header, values);
}

class InputReader {
  readonly #specs: ReadonlyMap<string, InputSpec>;
  readonly #given: GivenInputs | undefined;
  readonly #context: InputContext;
  readonly #values = new Map<string, YamlEntry>();
  #failed = false;

  constructor(
    specs: ReadonlyMap<string, InputSpec>,
    given: GivenInputs | undefined,
    context: InputContext,
  ) {
    this.#specs = specs;
    this.#given = isNull(given?.node) ? undefined : given;
    this.#context = context;
  }

  read(): ReadonlyMap<string, YamlEntry> | undefined {
    const given = this.#given?.node;
    if (given !== undefined && given.kind !== "mapping") {
      return this.#fail("Given inputs must be a hash", given);
    }
    const known = [...this.#specs.values()];
    const unknown = [...given?.entries.values() ?? []].filter(({ key }) =>
      !this.#specs.has(key.text)
    );
    if (unknown[0] !== undefined) {
      const names = unknown.map(({ key }) => key.text).join(", ");
      this.#fail(`unknown input arguments: ${names}`, unknown[0].key);
    }
    // Rules look at other inputs, which therefore come first.
    const ordered = [...known.filter(({ rules }) => !rules), ...known.filter(({ rules }) => rules)];
    for (const spec of ordered) {
      const value = given?.entries.get(spec.key.text)?.value;
      this.#readInput(spec, value && this.#typed(value, spec.type));
    }
    return this.#failed ? undefined : this.#values;
  }

  #readInput(declared: InputSpec, given: YamlNode | undefined): void {
    const spec = this.#withRule(declared);
    if (given !== undefined && this.#check(spec, given, "provided")) this.#set(spec, given);
    if (given !== undefined) return;
    if (spec.default === undefined) {
      this.#fail(
        `\`${spec.key.text}\` input: required value has not been provided`,
        this.#context.includedBy ?? spec.key,
      );
    } else if (isNull(spec.default) || this.#check(spec, spec.default, "default")) {
      this.#set(spec, spec.default);
    }
  }

  #typed(node: YamlNode, type: InputType): YamlNode {
    const isText = this.#given?.typed === false && type !== "string" && node.kind === "scalar";
    return isText ? valueOfText(node) : node;
  }

  #withRule(spec: InputSpec): InputSpec {
    if (spec.rules === undefined) return spec;
    const rule = spec.rules.find((candidate) => this.#holds(candidate));
    if (rule === undefined) return { ...spec, default: scalar(spec.key, null) };
    return {
      ...spec,
      options: rule.options,
      default: isNull(rule.default) ? undefined : rule.default,
    };
  }

  #holds({ if: condition }: InputRule): boolean {
    if (condition === undefined) return true;
    return holds(condition.expression, (variable) => {
      const name = condition.inputs[Number(variable.replace("INPUT_", ""))];
      const value = name === undefined ? undefined : this.#values.get(name)?.value;
      if (value?.kind !== "scalar") return undefined;
      return typeof value.value === "boolean" ? value.value : value.text;
    });
  }

  #check(spec: InputSpec, node: YamlNode, which: "provided" | "default"): boolean {
    const name = `\`${spec.key.text}\` input:`;
    if (!isOfType(node, spec.type)) {
      const article = spec.type === "array" ? "an" : "a";
      this.#fail(`${name} ${which} value is not ${article} ${spec.type}`, node);
      return false;
    }
    if (spec.options !== undefined && !spec.options.some((option) => isEqual(option, node))) {
      const written = node.kind === "scalar" ? node.text : node.kind;
      const sentence = "cannot be used because it is not in the list of allowed options";
      this.#fail(`${name} \`${written}\` ${sentence}`, node);
      return false;
    }
    if (node.kind === "scalar" && spec.regex?.test(node.text) === false) {
      this.#fail(`${name} ${which} value does not match required RegEx pattern`, node);
      return false;
    }
    return true;
  }

  #set(spec: InputSpec, value: YamlNode): void {
    this.#values.set(spec.key.text, { key: spec.key, value });
  }

  #fail(message: string, at: YamlNode): undefined {
    this.#failed = true;
    this.#context.problems.add(message, placeOf(at));
  }
}

function isOfType(node: YamlNode, type: InputType): boolean {
  switch (type) {
    case "array":
      return node.kind === "sequence";
    case "string":
    case "number":
    case "boolean":
      return node.kind === "scalar" && typeof node.value === type;
  }
}

function isEqual(a: YamlNode, b: YamlNode): boolean {
  return a.kind === "scalar" && b.kind === "scalar" && a.value === b.value;
}
