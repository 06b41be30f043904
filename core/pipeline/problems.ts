/** Collects what is wrong with a configuration, so that one run names all of it. */

import { CiConfigError, type CiProblem, type CiWarning, type Place } from "./place.ts";

export class Problems {
  readonly #problems = new Map<string, CiProblem>();
  readonly #warnings = new Map<string, CiWarning>();

  get warnings(): readonly CiWarning[] {
    return [...this.#warnings.values()];
  }

  get count(): number {
    return this.#problems.size;
  }

  /** The same message about the same place counts once: jobs share what they extend. */
  add(message: string, place: Place | undefined): void {
    this.#problems.set(identity(message, place), { message, place });
  }

  warn(
    message: string,
    place: Place | undefined,
    about: { readonly keyword?: string; readonly job?: string } = {},
  ): void {
    const warning = { message, place, keyword: about.keyword, job: about.job };
    this.#warnings.set(identity(message, place), warning);
  }

  /**
   * Throws all problems so far. What follows may rely on there being none. `root` is named where files
   * were read side by side: it comes first, and the others by their names.
   */
  throwIfAny({ root }: { readonly root?: string } = {}): void {
    const problems = [...this.#problems.values()];
    if (problems.length === 0) return;
    const met = [...new Set(problems.map(({ place }) => place?.file))];
    const files = root === undefined ? met : [root, ...met.filter((file) => file !== root).sort()];
    throw new CiConfigError(inOrder(problems, files));
  }
}

/** By file, and within a file as they stand there. */
function inOrder(
  problems: readonly CiProblem[],
  files: readonly (string | undefined)[],
): readonly CiProblem[] {
  const key = ({ place }: CiProblem): readonly number[] => [
    files.indexOf(place?.file),
    place?.line ?? 0,
    place?.column ?? 0,
  ];
  return problems.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    const at = left.findIndex((value, index) => value !== right[index]);
    return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
  });
}

function identity(message: string, place: Place | undefined): string {
  return place === undefined ? message : `${place.file}:${place.line}:${place.column}:${message}`;
}
