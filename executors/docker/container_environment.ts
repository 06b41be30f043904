/** Environments of containers, for processes that no script of ours starts. Pure. */

import { expand } from "../../core/job/expand.ts";
import type { JobVariable } from "../../core/job/response.ts";
import type { ExpandedVariable, JobVariables } from "../../core/job/variables.ts";

/** For an image's own program in the job's container: all of the job's variables. */
export function buildEnvironment(variables: JobVariables): readonly string[] {
  return [...plain(variables.entries)].map(entry);
}

/**
 * As GitLab Runner: the job's variables that everybody may see, as the job has them, and on top those
 * that the service declares, which may name all others.
 */
export function serviceEnvironment(
  job: JobVariables,
  own: readonly JobVariable[],
): readonly string[] {
  const environment = plain(job.entries.filter((variable) => variable.public));
  const declared = new Map(own.map(({ key, value }) => [key, value]));
  const look = (name: string) => declared.get(name) ?? job.get(name);
  for (const { key, value, raw } of own) environment.set(key, raw ? value : expand(value, look));
  return [...environment].map(entry);
}

/** The value of a variable in such lists, the last one's; its name is in any letters. */
export function valueIn(environment: readonly string[], name: string): string | undefined {
  return environment.map(split).findLast(([key]) => key.toUpperCase() === name)?.[1];
}

function plain(variables: readonly ExpandedVariable[]): Map<string, string> {
  const named = variables.filter(({ key }) => key !== "" && !key.includes("="));
  return new Map(named.map(({ key, value }) => [key, value]));
}

function entry([key, value]: readonly [string, string]): string {
  return `${key}=${value}`;
}

function split(text: string): readonly [key: string, value: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
