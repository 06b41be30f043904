/** Reads the ledger, its citations and the names of tests, and says where they do not fit. */

export interface Requirement {
  readonly id: string;
  /** Of the inventory of GitLab Runner 19.4. */
  readonly section: string;
  readonly promise: string;
}

export interface Citation {
  readonly id: string;
  /** Below tests/. */
  readonly file: string;
  readonly test: string;
}

/** Throws for a line of another form. */
export function parseRequirements(text: string): Requirement[] {
  return rows(text, /^(?<id>[a-z0-9:-]+) +(?<section>\d+(?:\.\d+)?) +(?<promise>\S.*\.)$/)
    .map(({ id = "", section = "", promise = "" }) => ({ id, section, promise }));
}

/** Throws for a line of another form. */
export function parseCitations(text: string): Citation[] {
  return rows(text, /^(?<id>[a-z0-9:-]+) {2}(?<file>\S+_test\.ts) {2}(?<test>\S.*)$/)
    .map(({ id = "", file = "", test = "" }) => ({ id, file, test }));
}

function rows(text: string, form: RegExp): Record<string, string>[] {
  return text.trim().split("\n").map((line) => {
    const groups = form.exec(line)?.groups;
    if (groups === undefined) throw new Error(`Cannot read the ledger's line "${line}"`);
    return groups;
  });
}

/** Promises without a test, citations of no promise, doubled ids, tests that are not there. */
export function problems(
  requirements: readonly Requirement[],
  citations: readonly Citation[],
  testsIn: (file: string) => readonly string[],
): string[] {
  const ids = requirements.map(({ id }) => id);
  const cited = new Set(citations.map(({ id }) => id));
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} is there twice`),
    ...ids.filter((id) => !cited.has(id)).map((id) => `${id} has no test`),
    ...citations.filter(({ id }) => !ids.includes(id)).map(({ id }) => `${id} is no promise`),
    ...citations.filter(({ file, test }) => !testsIn(file).includes(test))
      .map(({ id, file, test }) => `${id}: ${file} has no test "${test}"`),
  ];
}

/** Names of the tests in a source text that run; templates as they are written. */
export function testNames(source: string): string[] {
  const call = /\btest(?:\.concurrent|\.skipIf\([^\n]*?\))?\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/g;
  return [...source.matchAll(call)].map(([, , name = ""]) => name.replaceAll(/\\(.)/g, "$1"));
}
