/** `script`, `before_script`, `after_script`, `hooks` and `run`. */

import { isString, type YamlNode } from "../yaml/node.ts";
import type { Entry } from "./entry.ts";

const MAX_LEVELS = 10;

/** The commands, nested lists made flat. */
export function readScript(entry: Entry): readonly string[] {
  const lines: string[] = [];
  const readable = isString(entry.node)
    ? lines.push(entry.node.value) > 0
    : entry.node.kind === "sequence" && collectStrings(entry.node, MAX_LEVELS, lines);
  if (!readable) {
    entry.report(
      `config should be a string or a nested array of strings up to ${MAX_LEVELS} levels deep`,
      culprit(entry.node),
    );
  }
  return lines;
}

/** Adds all strings of a nested sequence; false when it holds anything else or is too deep. */
export function collectStrings(node: YamlNode, levels: number, into: string[]): boolean {
  if (isString(node)) {
    into.push(node.value);
    return true;
  }
  return node.kind === "sequence" && levels > 0 &&
    node.items.every((item) => collectStrings(item, levels - 1, into));
}

/** The first element that is no command, so that a long script is not searched by hand. */
function culprit(node: YamlNode): YamlNode {
  if (node.kind !== "sequence") return node;
  const wrong = node.items.find((item) => !collectStrings(item, MAX_LEVELS - 1, []));
  return wrong ?? node;
}

export function readHooks(entry: Entry): Readonly<Record<string, readonly string[]>> {
  const hooks = entry.asMapping();
  if (hooks === undefined) return {};
  hooks.checkKeys(["pre_get_sources_script"]);
  const script = hooks.at("pre_get_sources_script");
  return script === undefined ? {} : { pre_get_sources_script: readScript(script) };
}
