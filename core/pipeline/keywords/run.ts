/** `run`: a list of steps instead of a script. */

import { type Plain, toPlain } from "../yaml/node.ts";
import type { YamlMapping, YamlNode } from "../yaml/node.ts";
import type { Entry } from "./entry.ts";

/** What a step may say, by the keyword that makes it what it is. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  step: ["name", "env", "inputs", "step"],
  script: ["name", "env", "script"],
  action: ["name", "env", "inputs", "action"],
  exec: ["env", "exec"],
  run: ["env", "run", "outputs", "delegate"],
};
const NAMED = ["step", "script", "action"];

/** Checked as far as every step needs, and kept as written. */
export function readRun(job: Entry, node: YamlNode): readonly Plain[] | undefined {
  if (node.kind !== "sequence") return job.report("run value at root is not an array", node);
  node.items.forEach((item, index) => checkStep(job, item, `/${index}`));
  return node.items.map(toPlain);
}

function checkStep(job: Entry, node: YamlNode, at: string): void {
  if (node.kind !== "mapping") {
    return job.report(`run value at \`${at}\` is not an object`, node);
  }
  const kind = Object.keys(STEPS).find((key) => node.entries.has(key)) ?? "step";
  const required = NAMED.includes(kind) ? ["name", kind] : [kind];
  const missing = required.filter((key) => !node.entries.has(key));
  if (missing.length > 0) {
    job.report(
      `run object at \`${at}\` is missing required properties: ${missing.join(", ")}`,
      node,
    );
  }
  for (const [key, entry] of node.entries) {
    if (STEPS[kind]?.includes(key) === true) continue;
    const sentence = `run object property at \`${at}/${key}\` is a disallowed additional property`;
    job.report(sentence, entry.key);
  }
  checkEnv(job, node, at);
}

function checkEnv(job: Entry, step: YamlMapping, at: string): void {
  const env = step.entries.get("env")?.value;
  if (env?.kind !== "mapping") return;
  for (const [key, { value }] of env.entries) {
    if (value.kind === "scalar" && typeof value.value === "string") continue;
    job.report(`run value at \`${at}/env/${key}\` is not a string`, value);
  }
}
