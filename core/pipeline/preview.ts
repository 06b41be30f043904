/** The configuration as plain data in GitLab's keywords: what `--preview` prints. */

import { SHARED_KEYS } from "./keywords/shared.ts";
import {
  child,
  isNull,
  type PlainWith,
  toPlainWith,
  type YamlMapping,
  type YamlNode,
} from "./yaml/node.ts";
import { strings } from "./keywords/entry.ts";

/** A number that is not written as it would be printed: `1.0`, or one with too many digits. */
export class WrittenNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Shown = PlainWith<WrittenNumber>;

/** Resolved in every job, and therefore not said any more. */
const RESOLVED = new Set(["extends", "inherit"]);
const GLOBALS = ["stages", "variables", "workflow"];
const NOT_JOBS = new Set([
  "default",
  "include",
  "before_script",
  "after_script",
  "image",
  "services",
  "cache",
]);

/** `root` is valid; `defaults` holds what its jobs inherit. */
export function previewOf(
  root: YamlMapping,
  defaults: YamlMapping,
): Readonly<Record<string, Shown>> {
  const preview: Record<string, Shown> = Object.create(null);
  for (const key of GLOBALS) {
    const value = child(root, key);
    if (value !== undefined) preview[key] = shown(value);
  }
  for (const [name, { value }] of root.entries) {
    if (GLOBALS.includes(name) || NOT_JOBS.has(name) || name.startsWith(".")) continue;
    if (value.kind === "mapping") preview[name] = previewJob(value, defaults);
  }
  return preview;
}

function previewJob(job: YamlMapping, defaults: YamlMapping): Shown {
  const plain: Record<string, Shown> = Object.create(null);
  const add = (key: string, value: YamlNode | undefined): void => {
    if (!isNull(value) && value !== undefined) plain[key] = shown(value);
  };
  if (child(job, "trigger") === undefined) {
    for (const key of inheritedKeys(job)) add(key, defaults.entries.get(key)?.value);
  }
  for (const [key, { value }] of job.entries) if (!RESOLVED.has(key)) add(key, value);
  return plain;
}

function shown(node: YamlNode): Shown {
  return toPlainWith<WrittenNumber>(
    node,
    ({ value, text }) =>
      typeof value === "number" && Number.isFinite(value) && String(value) !== text
        ? new WrittenNumber(text)
        : value,
  );
}

function inheritedKeys(job: YamlMapping): readonly string[] {
  const inherit = child(job, "inherit");
  const choice = inherit?.kind === "mapping" ? child(inherit, "default") : undefined;
  if (choice === undefined) return SHARED_KEYS;
  if (choice.kind === "scalar") return choice.value === true ? SHARED_KEYS : [];
  const wanted = strings(choice) ?? [];
  return SHARED_KEYS.filter((key) => wanted.includes(key));
}
