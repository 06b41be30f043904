/** The keywords with the tests that name them. */

import { type CaseFile, loadCases } from "../core/pipeline/case_file.ts";
import { EXEC_CITATIONS } from "./exec_citations.ts";
import { EXEC_KEYWORDS } from "./exec_keywords.ts";
import { uses } from "./keyword_uses.ts";

export interface Keyword {
  readonly section: string;
  readonly keyword: string;
  readonly far: "done" | "partly" | "named" | "moot";
  readonly where: "read" | "pipeline" | "job";
  readonly note: string;
  /** Names of cases below `tests/core/pipeline/cases/` whose files use it. */
  readonly cases: readonly string[];
  readonly runs: readonly KeywordCitation[];
}

export interface KeywordCitation {
  readonly keyword: string;
  /** Below tests/. */
  readonly file: string;
  readonly test: string;
}

const LINE =
  /^(?<keyword>[a-z_*:]+) +(?<far>done|partly|named|moot) +(?<where>read|pipeline|job) +(?<note>\S.*\.)$/;
const CITATION = /^(?<keyword>[a-z_*:]+) {2}(?<file>\S+_test\.ts) {2}(?<test>\S.*)$/;

/** Throws for a line of another form. */
export async function loadKeywords(): Promise<readonly Keyword[]> {
  const cases = (await Promise.all(["reading", "composing"].map(casesOf))).flat();
  const citations = keywordCitations();
  let section = "";
  return EXEC_KEYWORDS.trim().split("\n").flatMap((line) => {
    if (line.startsWith("# ")) {
      section = line.slice(2);
      return [];
    }
    const { keyword = "", far, where, note = "" } = fieldsOf(line, LINE);
    return [{
      section,
      keyword,
      far: far as Keyword["far"],
      where: where as Keyword["where"],
      note,
      cases: cases.filter((one) => uses(one, keyword)).map(({ name }) => name),
      runs: citations.filter((citation) => citation.keyword === keyword),
    }];
  });
}

export function keywordCitations(): readonly KeywordCitation[] {
  return EXEC_CITATIONS.trim().split("\n").map((line) => {
    const { keyword = "", file = "", test = "" } = fieldsOf(line, CITATION);
    return { keyword, file, test };
  });
}

async function casesOf(folder: string): Promise<readonly CaseFile[]> {
  const cases = await loadCases(folder);
  return cases.map((one) => ({ ...one, name: `${folder}/${one.name}` }));
}

function fieldsOf(line: string, form: RegExp): Record<string, string> {
  const groups = form.exec(line)?.groups;
  if (groups === undefined) throw new Error(`Cannot read the keywords' line "${line}"`);
  return groups;
}
