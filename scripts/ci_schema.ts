/** Writes docs/gitlab-ci.schema.json: the keywords of a CI file, for editors. */

import { join } from "node:path";
import { type Keyword, loadKeywords } from "../tests/compat/keyword_table.ts";
import { ciSchema } from "./ci_schema/schema.ts";

export const SCHEMA_PATH = join(import.meta.dirname, "../docs/gitlab-ci.schema.json");

export function renderSchema(keywords: readonly Keyword[]): string {
  const isOfJobs = ({ section }: Keyword) => section === "Jobs";
  const schema = ciSchema(
    keywords.filter((one) => !isOfJobs(one)),
    keywords.filter(isOfJobs),
  );
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

if (import.meta.main) await Bun.write(SCHEMA_PATH, renderSchema(await loadKeywords()));
