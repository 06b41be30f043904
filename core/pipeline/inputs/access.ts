/** `inputs.name`, `inputs.list[0].key`, `component.sha`: the value that an interpolation names. */

import type { YamlMapping, YamlNode } from "../yaml/node.ts";

const MAX_LENGTH = 1024;
const MAX_OBJECTS = 5;
const MAX_INDICES = 5;

export type Access =
  | { readonly kind: "value"; readonly node: YamlNode }
  | { readonly kind: "wrong"; readonly message: string };

export function access(path: string, known: YamlMapping): Access {
  if (path.length > MAX_LENGTH) return wrong("maximum interpolation expression size exceeded");
  const objects = path.split(".").slice(0, MAX_OBJECTS);
  if (objects.length < 2) {
    return wrong(
      "invalid pattern used for interpolation. valid pattern is $[[ inputs.input ]]",
    );
  }
  let node: YamlNode = known;
  for (const object of objects) {
    const next = step(object, node, path);
    if (next.kind === "wrong") return next;
    node = next.node;
  }
  return { kind: "value", node };
}

/** One part between dots: a key, with any number of indices behind it. */
function step(object: string, node: YamlNode, path: string): Access {
  const bracket = object.indexOf("[");
  const key = bracket === -1 ? object : object.slice(0, bracket);
  if (key === "") return wrong(`invalid indexed access without a key in \`${path}\``);
  const entry = node.kind === "mapping" ? node.entries.get(key) : undefined;
  if (entry === undefined) {
    return wrong(`unknown interpolation provided: \`${key}\` in \`${path}\``);
  }
  return bracket === -1
    ? { kind: "value", node: entry.value }
    : indexed(object.slice(bracket), entry.value, path);
}

function indexed(brackets: string, node: YamlNode, path: string): Access {
  const parts = brackets.match(/\[[^\]]*\]?/g) ?? [];
  const last = parts.at(-1) ?? "";
  if (!last.endsWith("]")) {
    return wrong(`invalid array index in \`${path}\`: missing closing bracket`);
  }
  if (parts.join("") !== brackets) return wrong(`invalid array index syntax in \`${path}\``);
  if (parts.length > MAX_INDICES) {
    return wrong(`too many array indices in \`${path}\` (maximum depth: ${MAX_INDICES})`);
  }
  let value = node;
  for (const part of parts) {
    const index = part.slice(1, -1);
    if (!/^\d+$/.test(index)) {
      return wrong(`invalid array index in \`${path}\`: \`${index}\` is not a valid index`);
    }
    if (value.kind !== "sequence") return wrong(`cannot index into non-array in \`${path}\``);
    const item = value.items[Number(index)];
    if (item === undefined) {
      return wrong(
        `array index ${index} out of bounds (size: ${value.items.length}) in \`${path}\``,
      );
    }
    value = item;
  }
  return { kind: "value", node: value };
}

function wrong(message: string): Access {
  return { kind: "wrong", message };
}
