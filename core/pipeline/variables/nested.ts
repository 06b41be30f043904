/** Variables whose values refer to each other: GitLab expands them in the order they need. */

import type { PipelineJobVariable } from "../pipeline.ts";
import { expandValue, mayRefer, referencesIn } from "./references.ts";

/** Values that refer to each other in a circle, in GitLab's words. */
export class CircularVariables extends Error {
  override readonly name = "CircularVariables";

  constructor(keys: readonly string[]) {
    super(`circular variable reference detected: ${JSON.stringify(keys).replaceAll(",", ", ")}`);
  }
}

/** What becomes of references that GitLab could put a value in for. */
type Purpose =
  /** Every value is needed now: what is not known is empty. */
  | "gitlab"
  /** The runner expands once more, with all that is known then: what it has to decide stays. */
  | "runner";

/**
 * The value of a variable as GitLab uses it for names; undefined: there is none. `declared` is in
 * rising precedence; a value that refers to its own key means the one below it. Throws
 * {@link CircularVariables}.
 */
export function expandForGitLab(
  declared: readonly PipelineJobVariable[],
): (key: string) => string | undefined {
  const expanded = expandAll(declared, "gitlab");
  return (key) => lastOf(expanded, key)?.value;
}

/**
 * The variables as GitLab sends them to a runner: the last of one name wins there too, but a value
 * that refers to others comes behind them. Throws {@link CircularVariables}.
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
  const expanded: PipelineJobVariable[] = [];
  for (const variable of inOrderOfNeed(declared)) {
    const value = variable.expand
      ? expandValue(variable.value, (name) => substitute(lastOf(expanded, name), purpose))
      : variable.value;
    expanded.push(value === variable.value ? variable : { ...variable, value });
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

/**
 * Every variable behind all that it refers to. Few have references at all, so that looking through
 * the list for each costs less than an index of it would.
 */
function inOrderOfNeed(declared: readonly PipelineJobVariable[]): readonly PipelineJobVariable[] {
  const order: PipelineJobVariable[] = [];
  const visited = new Uint8Array(declared.length);
  const path: number[] = [];
  const visit = (at: number): void => {
    const variable = declared[at]!;
    if (visited[at] === 1) {
      const start = path.indexOf(at);
      // A value that refers to itself is no circle: it means what is below it.
      if (start >= 0 && start < path.length - 1) {
        throw new CircularVariables(path.slice(start).map((each) => declared[each]!.key));
      }
      return;
    }
    visited[at] = 1;
    if (variable.expand && mayRefer(variable.value)) {
      path.push(at);
      for (const name of referencesIn(variable.value)) {
        for (let each = 0; each < declared.length; each++) {
          if (declared[each]!.key === name) visit(each);
        }
      }
      path.pop();
    }
    order.push(variable);
  };
  for (let at = 0; at < declared.length; at++) visit(at);
  return order;
}
