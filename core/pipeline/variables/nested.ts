/** Variables whose values refer to each other: GitLab expands them in the order they need. */

import type { PipelineJobVariable } from "../pipeline.ts";
import { expandValue, mayRefer, referencesIn } from "./references.ts";

/** Variables that cannot be expanded. */
export class VariableError extends Error {
  override readonly name = "VariableError";
}

/** A value that refers twice to one that refers twice… is as long as this at the most. */
const LONGEST_VALUE = 1024 * 1024;

/** What becomes of references that GitLab could put a value in for. */
type Purpose =
  /** Every value is needed now: what is not known is empty. */
  | "gitlab"
  /** The runner expands once more, with all that is known then: what it has to decide stays. */
  | "runner";

/**
 * The value of a variable as GitLab uses it for names; undefined: there is none. `declared` is in
 * rising precedence; a value that refers to its own key means the one below it. Throws
 * {@link VariableError}.
 */
export function expandForGitLab(
  declared: readonly PipelineJobVariable[],
): (key: string) => string | undefined {
  const expanded = expandAll(declared, "gitlab");
  return (key) => lastOf(expanded, key)?.value;
}

/**
 * The variables as GitLab sends them to a runner: the last of one name wins there too, but a value
 * that refers to others comes behind them. Throws {@link VariableError}.
 */
export function expandForRunner(
  declared: readonly PipelineJobVariable[],
): readonly PipelineJobVariable[] {
  return expandAll(declared, "runner");
}

export function lastOf(
  variables: readonly PipelineJobVariable[],
  key: string,
): PipelineJobVariable | undefined {
  return variables.findLast((variable) => variable.key === key);
}

function expandAll(
  declared: readonly PipelineJobVariable[],
  purpose: Purpose,
): readonly PipelineJobVariable[] {
  if (!declared.some(({ expand, value }) => expand && mayRefer(value))) return declared;
  const references = new References(declared);
  const expanded: PipelineJobVariable[] = [];
  const known = new Map<string, PipelineJobVariable>();
  for (const variable of inOrderOfNeed(declared, references)) {
    let length = 0;
    const value = variable.expand
      ? expandValue(variable.value, (name) => {
        const part = substitute(known.get(name), purpose);
        length += part?.length ?? 0;
        if (length > LONGEST_VALUE) throw tooLong(variable);
        return part;
      })
      : variable.value;
    const result = value === variable.value ? variable : { ...variable, value };
    expanded.push(result);
    if (references.include(variable.key)) known.set(variable.key, result);
  }
  return expanded;
}

function substitute(
  variable: PipelineJobVariable | undefined,
  purpose: Purpose,
): string | undefined {
  if (purpose === "gitlab") return variable?.value ?? "";
  if (variable === undefined || variable.file) return undefined;
  // A raw value put in here would be expanded by the runner.
  return variable.expand || !mayRefer(variable.value) ? variable.value : undefined;
}

function tooLong({ key }: PipelineJobVariable): VariableError {
  return new VariableError(
    `variable ${key} is longer than ${LONGEST_VALUE} characters when expanded`,
  );
}

/** A variable whose references are being followed. */
interface Following {
  readonly at: number;
  readonly needs: readonly number[];
  next: number;
}

/** Every variable behind all that it refers to. */
function inOrderOfNeed(
  declared: readonly PipelineJobVariable[],
  references: References,
): readonly PipelineJobVariable[] {
  const order: PipelineJobVariable[] = [];
  const visited = new Uint8Array(declared.length);
  const path: Following[] = [];
  const enter = (at: number): void => {
    visited[at] = 1;
    const needs = references.of(at);
    if (needs.length === 0) order.push(declared[at]!);
    else path.push({ at, needs, next: 0 });
  };
  for (let start = 0; start < declared.length; start++) {
    if (visited[start] === 0) enter(start);
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const needed = last.needs[last.next++];
      if (needed === undefined) {
        path.pop();
        order.push(declared[last.at]!);
      } else if (visited[needed] === 0) enter(needed);
      else if (needed !== last.at) refuseCircle(declared, path, needed);
    }
  }
  return order;
}

function refuseCircle(
  declared: readonly PipelineJobVariable[],
  path: readonly Following[],
  needed: number,
): void {
  const start = path.findIndex(({ at }) => at === needed);
  if (start < 0) return;
  const keys = path.slice(start).map(({ at }) => declared[at]!.key);
  throw new VariableError(
    `circular variable reference detected: ${JSON.stringify(keys).replaceAll(",", ", ")}`,
  );
}

/** Which variables refer to which, by index. Few refer to others at all: only those are kept. */
class References {
  readonly #names = new Map<number, readonly string[]>();
  readonly #places = new Map<string, number[]>();

  constructor(declared: readonly PipelineJobVariable[]) {
    for (const [at, { expand, value }] of declared.entries()) {
      if (!expand || !mayRefer(value)) continue;
      const names = referencesIn(value);
      this.#names.set(at, names);
      for (const name of names) this.#places.set(name, []);
    }
    for (const [at, { key }] of declared.entries()) this.#places.get(key)?.push(at);
  }

  include(key: string): boolean {
    return this.#places.has(key);
  }

  /** Its own index among them, when it builds upon one below. */
  of(at: number): readonly number[] {
    return this.#names.get(at)?.flatMap((name) => this.#places.get(name) ?? []) ?? NOWHERE;
  }
}

const NOWHERE: readonly number[] = [];
