/** Writes docs/exec-keywords.md: what `runner exec` does with each keyword of a CI file. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Keyword, loadKeywords } from "../tests/compat/keyword_table.ts";

export const PAGE = join(import.meta.dirname, "../docs/exec-keywords.md");

const HOW_FAR: Readonly<Record<Keyword["far"], string>> = {
  done: "as on the server",
  partly: "in part",
  named: "no effect, which is said",
  moot: "of no consequence here",
};

/** Cases named in a row. */
const MOST_CASES = 2;

const HEAD = `<!-- Made by scripts/exec_keywords.ts from tests/compat/exec_keywords.ts. -->

# Keywords of \`.gitlab-ci.yml\` in \`runner exec\`

Every keyword of GitLab's CI reference, how far \`runner exec\` goes with it, and the tests that name it.

- **as on the server**: the same effect.
- **in part**: but for what stands beside it.
- **no effect, which is said**: it is read and checked, and a warning before the run, or the reason a job is skipped for, says that nothing is done.
- **of no consequence here**: it is read and checked; there is nothing on one machine that it could change.

A \`*\` stands for a name of the user's. Cases are small projects with what comes out of them, below \`tests/core/pipeline/cases/\`; the other tests run the compiled executable.
`;

export function renderPage(keywords: readonly Keyword[]): string {
  const sections = [...new Set(keywords.map(({ section }) => section))];
  const count = (far: Keyword["far"]) => keywords.filter((one) => one.far === far).length;
  const far = Object.keys(HOW_FAR) as Keyword["far"][];
  return [
    HEAD,
    `Of ${keywords.length} keywords: ${
      far.map((one) => `${count(one)} ${HOW_FAR[one]}`).join("; ")
    }.\n`,
    ...sections.map((section) => renderSection(section, keywords)),
  ].join("\n");
}

function renderSection(section: string, keywords: readonly Keyword[]): string {
  const rows = keywords.filter((one) => one.section === section).map((one) =>
    `| \`${one.keyword}\` | ${HOW_FAR[one.far]} | ${one.note} | ${tests(one)} |`
  );
  return [
    `## ${section}\n`,
    "| Keyword | How far | What it does | Tests |",
    "|---|---|---|---|",
    ...rows,
    "",
  ]
    .join("\n");
}

/** Where it takes effect last comes first: a run, then a pipeline, then reading. */
function tests({ cases, runs }: Keyword): string {
  const files = [...new Set(runs.map(({ file }) => file))].map((file) => `\`tests/${file}\``);
  const sorted = cases.toSorted((a, b) => rank(a) - rank(b));
  const named = sorted.slice(0, MOST_CASES).map((name) => `\`${name}\``);
  return [...files, ...named, ...(sorted.length > MOST_CASES ? ["…"] : [])].join(", ");
}

function rank(name: string): number {
  return name.startsWith("composing/") ? 0 : 1;
}

if (import.meta.main) {
  await mkdir(join(PAGE, ".."), { recursive: true });
  await Bun.write(PAGE, renderPage(await loadKeywords()));
}
