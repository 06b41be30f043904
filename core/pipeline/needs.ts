/** Which jobs the `needs` and `dependencies` of a job stand for. */

import type { CiNeed } from "./ci_config.ts";
import type { JobIndex } from "./job_index.ts";
import { type JobInstance, matrixCombinations, matrixJobName } from "./parallel.ts";

/** A need of one job of this pipeline, whether or not that job exists. */
export interface NamedNeed {
  readonly need: CiNeed;
  /** Full name. */
  readonly name: string;
}

/** A reference to a value of the job's own matrix: `$[[ matrix.OS ]]`. */
const MATRIX_REFERENCE = /\$\[\[\s*matrix\.([A-Za-z0-9_-]+)\s*\]\]/g;

/** Needs of whole jobs become needs of all their instances; those of other pipelines are left out. */
export function namedNeeds(
  needs: readonly CiNeed[],
  instance: JobInstance,
  index: JobIndex,
): readonly NamedNeed[] {
  return needs.filter(({ elsewhere }) => elsewhere === undefined).flatMap((need) => {
    if (need.matrix !== undefined) {
      return matrixCombinations(filledIn(need.matrix, instance))
        .map((values) => ({ need, name: matrixJobName(need.job, values) }));
    }
    const names = instanceNames(need.job, index);
    return names.map((name) => ({ need, name }));
  });
}

/** The full names of all instances; a name that no job has stays as it is. */
export function instanceNames(name: string, index: JobIndex): readonly string[] {
  const jobs = index.named(name);
  return jobs.length === 0 ? [name] : jobs.map(({ instance }) => instance.name);
}

/** Names in `$[[ matrix.NAME ]]` of a job's needs that its own matrix does not have. */
export function unknownMatrixNames(
  needs: readonly CiNeed[],
  instance: JobInstance,
): readonly string[] {
  return needs.flatMap(({ matrix }) => matrix ?? [])
    .flatMap((entry) => Object.values(entry).flat())
    .flatMap((value) => [...value.matchAll(MATRIX_REFERENCE)].map(([, name]) => name!))
    .filter((name) => instance.matrix[name] === undefined);
}

function filledIn(
  matrix: NonNullable<CiNeed["matrix"]>,
  instance: JobInstance,
): NonNullable<CiNeed["matrix"]> {
  const fill = (value: string) =>
    value.replace(MATRIX_REFERENCE, (whole, name) => instance.matrix[name] ?? whole);
  return matrix.map((entry) =>
    Object.fromEntries(Object.entries(entry).map(([key, values]) => [key, values.map(fill)]))
  );
}
