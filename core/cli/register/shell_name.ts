/** `--shell` of `register`: a name that this build has, or that a later one will. */

import { ConfigurationError } from "../../errors.ts";
import type { Logger } from "../../log/logger.ts";
import type { Registry } from "../../registry.ts";
import type { Shell } from "../../shell.ts";
import { type EntryTable, isShell, textAt } from "../runner_entry.ts";

/** Throws ConfigurationError for a shell that neither this build nor GitLab Runner has. */
export function checkShell(
  entry: EntryTable,
  { shells, logger }: { shells: Registry<Shell>; logger: Logger },
): void {
  const name = textAt(entry, ["shell"]);
  if (name === "" || shells.names.includes(name)) return;
  if (!isShell(name)) {
    throw new ConfigurationError(
      `Invalid shell specified: "${name}"; this build has ${shells.names.join(", ")}`,
    );
  }
  logger.warning(
    `This release does not have the shell "${name}" yet: the entry is written, but its runner ` +
      "takes no jobs",
  );
}
