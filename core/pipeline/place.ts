/** Where something stands in a CI file, and the errors and warnings that say so. */

import { RunnerError } from "../errors.ts";

/** A position in one of the files that make up a pipeline's configuration. */
export interface Place {
  /** As a user would write it: a path in the project, a URL, `project@ref:path`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** One thing that is wrong with the configuration, worded as GitLab words it. */
export interface CiProblem {
  readonly message: string;
  /** Undefined where the problem has no place: a missing file, an empty pipeline. */
  readonly place: Place | undefined;
}

/** A configuration that GitLab would refuse. All problems that could be found at once. */
export class CiConfigError extends RunnerError {
  override readonly name = "CiConfigError";
  /** At least one. */
  readonly problems: readonly CiProblem[];

  constructor(problems: readonly CiProblem[]) {
    super(problems.map(describeProblem).join("\n"));
    this.problems = problems;
  }
}

/** `.gitlab-ci.yml:12:5: jobs:test config contains unknown keys: scirpt`. */
export function describeProblem({ message, place }: CiProblem): string {
  return place === undefined ? message : `${place.file}:${place.line}:${place.column}: ${message}`;
}

/** Something that works, but not as on the server or not for long. */
export interface CiWarning extends CiProblem {
  /** The keyword it is about: `jobs:test:only`. */
  readonly keyword: string | undefined;
  /** The job it is about; undefined: the whole pipeline. */
  readonly job: string | undefined;
}
