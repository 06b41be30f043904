/** Replaces every `$[[ … ]]` of a file by the value it names. */

import type { VariableLookup } from "../expression/evaluate.ts";
import type { Problems } from "../problems.ts";
import {
  mapping,
  placeOf,
  type Plain,
  scalar,
  sequence,
  toPlain,
  type YamlEntry,
  type YamlMapping,
  type YamlNode,
  type YamlScalar,
} from "../yaml/node.ts";
import { MAX_NODES } from "../yaml/size.ts";
import { type Access, access } from "./access.ts";
import { functionOf } from "./functions.ts";

const BLOCK = /\$\[\[\s*(\S.*?\S)\s*\]\]/gs;
const MAX_BLOCKS = 10_000;
const MAX_FUNCTIONS = 3;
const MAX_LENGTH = 1024 * 1024;

export interface InterpolationContext {
  /** `inputs` and `component`. */
  readonly known: YamlMapping;
  readonly problems: Problems;
  readonly variable: VariableLookup;
}

/** Undefined when a block is wrong; `problems` says which. */
export function interpolate(
  content: YamlMapping,
  context: InterpolationContext,
): YamlMapping | undefined {
  const interpolator = new Interpolator(context);
  const result = interpolator.apply(content);
  if (result.size > MAX_NODES) interpolator.fail("config too large", content);
  return interpolator.failed || result.kind !== "mapping" ? undefined : result;
}

class Interpolator {
  readonly #context: InterpolationContext;
  /** What aliases share is interpolated once. */
  readonly #done = new Map<YamlNode, YamlNode>();
  #blocks = 0;
  failed = false;

  constructor(context: InterpolationContext) {
    this.#context = context;
  }

  apply(node: YamlNode): YamlNode {
    if (node.kind === "scalar") return this.#applyToText(node);
    const known = this.#done.get(node);
    if (known !== undefined) return known;
    const result = this.#applyToParts(node);
    this.#done.set(node, result);
    return result;
  }

  fail(message: string, at: YamlNode): undefined {
    this.failed = true;
    this.#context.problems.add(message, placeOf(at));
  }

  #applyToParts(node: Exclude<YamlNode, YamlScalar>): YamlNode {
    switch (node.kind) {
      case "sequence":
        return sequence(node, node.items.map((item) => this.apply(item)));
      case "mapping": {
        const entries = new Map<string, YamlEntry>();
        for (const { key, value } of node.entries.values()) {
          const name = this.#applyToText(key);
          const text = name.kind === "scalar" ? name : scalar(key, textOf(name));
          entries.set(text.text, { key: text, value: this.apply(value) });
        }
        return mapping(node, entries);
      }
      case "reference": {
        const target = this.apply(node.target);
        return target.kind === "reference" ? node : { ...node, target };
      }
    }
  }

  #applyToText(node: YamlScalar): YamlNode {
    if (typeof node.value !== "string" || !node.value.includes("$[[")) return node;
    const text = node.value;
    const blocks = [...text.matchAll(BLOCK)];
    if (blocks.length === 0) return node;
    this.#blocks += blocks.length;
    if (this.#blocks > MAX_BLOCKS) {
      this.fail("too many interpolation blocks", node);
      return node;
    }
    // A block alone is replaced by its value, of whatever type; others by text.
    const [first] = blocks;
    if (first !== undefined && first[0] === text) {
      const value = this.#evaluate(first[1] ?? "", node) ?? node;
      return value.kind === "scalar" ? scalar(node, value.value, value.text) : value;
    }
    const result = text.replace(BLOCK, (block, data: string) => {
      const value = this.#evaluate(data, node);
      return value === undefined ? block : textOf(value);
    });
    if (result.length > MAX_LENGTH) this.fail("config too large", node);
    return scalar(node, result);
  }

  #evaluate(data: string, at: YamlScalar): YamlNode | undefined {
    const [path = "", ...calls] = data.split("|").map((part) => part.trim());
    // Values of `parallel:matrix` are known later.
    if (path.startsWith("matrix.")) return undefined;
    if (calls.length > MAX_FUNCTIONS) {
      return this.fail("too many functions in interpolation block", at);
    }
    let result: Access = access(path, this.#context.known);
    for (const call of calls) {
      if (result.kind === "wrong") break;
      const apply = functionOf(call, this.#context.variable);
      result = apply === undefined ? noFunction(call) : apply(result.node);
    }
    return result.kind === "wrong" ? this.fail(result.message, at) : result.node;
  }
}

function noFunction(call: string): Access {
  return {
    kind: "wrong",
    message: `no function matching \`${call}\`: ` +
      "check that the function name, arguments, and types are correct",
  };
}

/** A value inside a longer text: lists as they are written in JSON. */
function textOf(node: YamlNode): string {
  return node.kind === "scalar" ? node.text : inline(toPlain(node));
}

function inline(value: Plain): string {
  if (value !== null && typeof value === "object") {
    return isList(value)
      ? `[${value.map(inline).join(", ")}]`
      : `{${
        Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${inline(item)}`).join(
          ", ",
        )
      }}`;
  }
  return JSON.stringify(value);
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}
