/**
 * A case: one text file that holds the files of a project and what is expected of them.
 *
 *     What this case is about, in a sentence.
 *     -- .gitlab-ci.yml --
 *     test:
 *       scirpt: make
 *     -- errors --
 *     .gitlab-ci.yml:2:3: jobs:test config contains unknown keys: scirpt
 *
 * Sections whose name has a dot or a slash are files of the project; all others are what the suite
 * that runs the case makes of them: `options`, `errors`, `warnings`, `expect`…
 */

import { basename, join } from "node:path";

export interface CaseFile {
  /** Folder and name without extension: `cache/key_of_files`. */
  readonly name: string;
  /** The sentence at the top. */
  readonly about: string;
  readonly files: ReadonlyMap<string, string>;
  /** The other sections, by name. */
  readonly sections: ReadonlyMap<string, string>;
}

const CASES = join(import.meta.dirname, "cases");
const HEADING = /^-- (\S+) --\n/gm;

/** Every case below a folder of `cases/`, in order. */
export async function loadCases(folder: string): Promise<readonly CaseFile[]> {
  const paths = await Array.fromAsync(new Bun.Glob("**/*.txtar").scan(join(CASES, folder)));
  return await Promise.all(
    paths.sort().map(async (path) => {
      const text = await Bun.file(join(CASES, folder, path)).text();
      return parseCase(path.replace(/\.txtar$/, ""), text);
    }),
  );
}

export function parseCase(name: string, text: string): CaseFile {
  const headings = [...text.matchAll(HEADING)];
  const sections = headings.map((heading, index): [string, string] => [
    heading[1] ?? "",
    text.slice(heading.index + heading[0].length, headings[index + 1]?.index),
  ]);
  const isFile = ([section]: [string, string]) => /[./]/.test(section);
  return {
    name,
    about: text.slice(0, headings[0]?.index).trim() || basename(name),
    files: new Map(sections.filter(isFile)),
    sections: new Map(sections.filter((section) => !isFile(section))),
  };
}
