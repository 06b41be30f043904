/** Answers what rules ask about paths, each question once: many jobs share their rules. */

import { PathPattern } from "../path_pattern.ts";
import type { PipelineFacts } from "../pipeline.ts";

/** GitLab takes a rule that would need more comparisons than this as fulfilled. */
const MOST_COMPARISONS = 50_000;

export class PathFacts {
  readonly #facts: Pick<PipelineFacts, "changedFiles" | "files">;
  readonly #changed = new Map<string | undefined, ReturnType<PipelineFacts["changedFiles"]>>();
  readonly #answers = new Map<string, boolean>();
  #files: { readonly list: readonly string[]; readonly set: ReadonlySet<string> } | undefined;

  constructor(facts: Pick<PipelineFacts, "changedFiles" | "files">) {
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

  /** Whether a file matches; folders are none. */
  exists(patterns: readonly string[]): boolean {
    return this.#once(["exists", ...patterns], () => {
      const { list, set } = this.#allFiles();
      const plain = patterns.filter((pattern) => !/[*?[{]/.test(pattern));
      const globs = patterns.filter((pattern) => /[*?[{]/.test(pattern));
      if (plain.some((pattern) => set.has(pattern))) return true;
      const [endings, rest] = [
        globs.flatMap(endingOf),
        globs.filter((glob) => endingOf(glob).length === 0),
      ];
      if (endings.length > 0 && list.some((path) => endings.some((end) => path.endsWith(end)))) {
        return true;
      }
      if (list.length * rest.length > MOST_COMPARISONS) return true;
      const compiled = rest.map((pattern) => new PathPattern(pattern));
      return list.some((path) => compiled.some((glob) => glob.matches(path)));
    });
  }

  #allFiles(): { readonly list: readonly string[]; readonly set: ReadonlySet<string> } {
    const list = this.#files?.list ?? this.#facts.files();
    return this.#files ??= { list, set: new Set(list) };
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

/** A pattern such as `**\/*.js` is any file that ends so, whatever it costs: GitLab does not count these comparisons. */
function endingOf(pattern: string): string[] {
  const ending = /^(?:\*\*\/\*)?(\.[^/*?[{]*)$/.exec(pattern)?.[1];
  return ending === undefined ? [] : [ending];
}
