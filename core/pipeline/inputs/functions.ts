/** Functions behind a `|` in an interpolation. */

import type { VariableLookup } from "../expression/evaluate.ts";
import { scalar, sequence, type YamlNode } from "../yaml/node.ts";
import type { Access } from "./access.ts";

type TextFunction = (text: string, at: YamlNode) => Access;

/** `expand_vars` and the like; undefined when there is no function of this name and arguments. */
export function functionOf(
  call: string,
  variable: VariableLookup,
): ((node: YamlNode) => Access) | undefined {
  const truncate = /^truncate\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(call);
  if (truncate !== null) {
    const [from, length] = [Number(truncate[1]), Number(truncate[2])];
    return onText(
      "truncate",
      (text, at) => textAt(at, [...text].slice(from, from + length).join("")),
    );
  }
  const split = /^split\(\s*'([^']*)'\s*\)$/.exec(call)?.[1];
  if (split !== undefined) return onText("split", (text, at) => splitText(text, split, at));
  switch (call) {
    case "expand_vars":
      return onText(call, (text, at) => textAt(at, expandVariables(text, variable)));
    case "posix_escape":
    case "posix_quote":
      return onText(call, (text, at) => textAt(at, escapeForShell(text)));
    default:
      return undefined;
  }
}

function onText(name: string, apply: TextFunction): (node: YamlNode) => Access {
  return (node) =>
    node.kind === "scalar" && typeof node.value === "string" ? apply(node.value, node) : failed(
      name,
      `invalid input type: ${name} can only be used with string inputs`,
    );
}

function textAt(at: YamlNode, text: string): Access {
  return { kind: "value", node: scalar(at, text) };
}

function failed(name: string, why: string): Access {
  return { kind: "wrong", message: `error in \`${name}\` function: ${why}` };
}

function splitText(text: string, separator: string, at: YamlNode): Access {
  if (separator === "") return failed("split", "invalid argument: separator cannot be empty");
  const items = text.split(separator).map((item) => item.trim()).filter((item) => item !== "");
  return { kind: "value", node: sequence(at, items.map((item) => scalar(at, item))) };
}

/** A variable that is not known stays as it is written. */
function expandVariables(text: string, variable: VariableLookup): string {
  return text.replace(
    /\$(\w+)|\$\{(\w+)\}|%(\w+)%/g,
    (whole, plain?: string, braced?: string, percent?: string) =>
      variable(plain ?? braced ?? percent ?? "") ?? whole,
  );
}

/** One word for any POSIX shell: each special character escaped, line breaks in quotes. */
function escapeForShell(text: string): string {
  if (text === "") return "''";
  return text.replace(/[^A-Za-z0-9_\-.,:+/@\n]/g, "\\$&").replaceAll("\n", "'\n'");
}
