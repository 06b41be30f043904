/** Answers what rules ask about paths, each question once: many jobs share their rules. */

import type { ProjectRef } from "../ci_source.ts";
import { PathPattern } from "../path_pattern.ts";
import type { PipelineFacts } from "../pipeline.ts";

/** GitLab takes a rule that would need more comparisons than this as fulfilled. */
const MOST_COMPARISONS = 50_000;

type Facts = Pick<PipelineFacts, "changedFiles" | "files" | "filesOf">;

interface KnownFiles {
  readonly list: readonly string[];
  readonly set: ReadonlySet<string>;
}

export class PathFacts {
  readonly #facts: Facts;
  readonly #changed = new Map<string | undefined, ReturnType<PipelineFacts["changedFiles"]>>();
  readonly #answers = new Map<string, boolean>();
  /** By project and ref; the pipeline's own project is the empty one. */
  readonly #files = new Map<string, KnownFiles | "no-project" | "no-ref" | undefined>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** Whether one of the changed paths matches; `unknown-ref` when there is no such ref to compare with. */
  changed(patterns: readonly string[], compareTo: string | undefined): boolean | "unknown-ref" {
    if (!this.#changed.has(compareTo)) {
      this.#changed.set(compareTo, this.#facts.changedFiles(compareTo));
    }
    const paths = this.#changed.get(compareTo);
    if (paths === "unknown-ref") return paths;
    // Without anything to compare with, everything has changed.
    if (paths === undefined) return true;
    if (paths.length * patterns.length > MOST_COMPARISONS) return true;
    return this.#once(["changed", compareTo ?? "", ...patterns], () => {
      const globs = patterns.map((pattern) => new PathPattern(pattern));
      return paths.some((path) => globs.some((glob) => glob.matches(path)));
    });
  }

  /**
   * Whether a file matches, or a folder for a pattern that ends in a slash. Where the files are another project's, there may be no
   * such project or ref for whoever asks.
   */
  exists(
    patterns: readonly string[],
    where: ProjectRef | undefined,
  ): boolean | "no-project" | "no-ref" {
    const place = where === undefined ? "" : JSON.stringify([where.project, where.ref]);
    const files = this.#filesAt(place, where);
    if (files === undefined) return false;
    if (typeof files === "string") return files;
    return this.#once(["exists", place, ...patterns], () => hasMatch(files, patterns));
  }

  #filesAt(place: string, where: ProjectRef | undefined) {
    if (!this.#files.has(place)) {
      const list = where === undefined ? this.#facts.files() : this.#facts.filesOf(where);
      const known = typeof list === "object" ? { list, set: new Set(list) } : list;
      this.#files.set(place, known);
    }
    return this.#files.get(place);
  }

  #once(question: readonly string[], answer: () => boolean): boolean {
    const key = question.join("\0");
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const value = answer();
    this.#answers.set(key, value);
    return value;
  }
}

function hasMatch(files: KnownFiles, patterns: readonly string[]): boolean {
  const isFolder = (pattern: string) => pattern.endsWith("/");
  return hasPath(files, patterns.filter((pattern) => !isFolder(pattern))) ||
    hasPath(foldersOf(files, patterns.some(isFolder)), patterns.filter(isFolder));
}

/** With the slash that a pattern for them ends in. */
function foldersOf({ list }: KnownFiles, areAsked: boolean): KnownFiles {
  const set = new Set<string>();
  for (const path of areAsked ? list : []) {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const size = set.size;
      // All above one that is known are known.
      if (set.add(path.slice(0, at + 1)).size === size) break;
    }
  }
  return { list: [...set], set };
}

function hasPath({ list, set }: KnownFiles, patterns: readonly string[]): boolean {
  const isGlob = (pattern: string) => /[*?[{]/.test(pattern);
  if (patterns.some((pattern) => !isGlob(pattern) && set.has(pattern))) return true;
  const globs = patterns.filter(isGlob);
  const endings = globs.flatMap(endingOf);
  const rest = globs.filter((glob) => endingOf(glob).length === 0);
  if (endings.length > 0 && list.some((path) => endings.some((end) => path.endsWith(end)))) {
    return true;
  }
  if (list.length * rest.length > MOST_COMPARISONS) return true;
  const compiled = rest.map((pattern) => new PathPattern(pattern));
  return list.some((path) => compiled.some((glob) => glob.matches(path)));
}

/**
 * A pattern such as `**\/*.js` is any file that ends so, whatever it costs: GitLab does not count
 * these comparisons.
 */
function endingOf(pattern: string): string[] {
  const ending = /^(?:\*\*\/\*)?(\.[^/*?[{]*)$/.exec(pattern)?.[1];
  return ending === undefined ? [] : [ending];
}
