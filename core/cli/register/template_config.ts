/** `--template-config`: an entry whose values fill in what a registration leaves unset. */

import { resolve } from "node:path";
import { parseDocument, readConfigText } from "../../config/load.ts";
import { ConfigurationError } from "../../errors.ts";
import type { Program } from "../program.ts";
import { type EntryTable, toEntry } from "../runner_entry.ts";

/** Values that belong to one registration and cannot come from a template. */
const NEVER_TAKEN = ["id", "token", "token_obtained_at", "token_expires_at"];

/** Reads the template; without a path, an empty one. Throws ConfigurationError. */
export async function loadTemplate(
  path: string | undefined,
  program: Pick<Program, "cwd">,
): Promise<EntryTable> {
  if (path === undefined || path === "") return {};
  const file = resolve(program.cwd, path);
  const { runners } = parseDocument(await readConfigText(file), file);
  if (!Array.isArray(runners) || runners.length !== 1) {
    throw new ConfigurationError(
      `Cannot use the template "${path}": it has to hold exactly one [[runners]] entry`,
    );
  }
  const entry = toEntry(runners[0]);
  return Object.fromEntries(Object.entries(entry).filter(([key]) => !NEVER_TAKEN.includes(key)));
}
