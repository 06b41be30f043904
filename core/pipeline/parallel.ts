/** The jobs that one job of the configuration becomes: one, `parallel: n`, or one per combination. */

import type { CiJob } from "./ci_config.ts";

/** One of the jobs that a job of the configuration becomes. */
export interface JobInstance {
  /** GitLab's full name. */
  readonly name: string;
  /** Undefined for a job without `parallel`. */
  readonly node: { readonly index: number; readonly total: number } | undefined;
  /** Variables of this combination; none without a matrix. */
  readonly matrix: Readonly<Record<string, string>>;
}

type MatrixEntry = Readonly<Record<string, readonly string[]>>;

export function jobInstances(job: CiJob): readonly JobInstance[] {
  const { name, parallel } = job;
  if (parallel === undefined) return [{ name, node: undefined, matrix: {} }];
  if (parallel.kind === "count") {
    return Array.from({ length: parallel.count }, (_, at) => ({
      name: `${name} ${at + 1}/${parallel.count}`,
      node: { index: at + 1, total: parallel.count },
      matrix: {},
    }));
  }
  const combinations = matrixCombinations(parallel.matrix);
  return combinations.map((matrix, at) => ({
    name: matrixJobName(name, matrix),
    node: { index: at + 1, total: combinations.length },
    matrix,
  }));
}

/** Every combination of values, the last variable changing fastest. */
export function matrixCombinations(
  matrix: readonly MatrixEntry[],
): readonly Readonly<Record<string, string>>[] {
  return matrix.flatMap((entry) =>
    Object.entries(entry).reduce<Readonly<Record<string, string>>[]>(
      (combinations, [key, values]) =>
        combinations.flatMap((combination) =>
          values.map((value) => ({ ...combination, [key]: value }))
        ),
      [{}],
    )
  );
}

/** `build: [linux, x64]`. */
export function matrixJobName(name: string, matrix: Readonly<Record<string, string>>): string {
  return `${name}: [${Object.values(matrix).join(", ")}]`;
}
