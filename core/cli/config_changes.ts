/** Changes to entries of config.toml that a command has looked at before. */

import { editConfig } from "../config/edit.ts";
import type { Secret } from "../util/secret.ts";
import type { CommandContext } from "./command.ts";

/** An entry as a command saw it. Somebody else may have changed the file since. */
interface KnownRunner {
  readonly url: string;
  readonly token: Secret;
}

/** Takes entries out of the file and says so; those that are gone already do not matter. */
export async function removeFromConfig(
  path: string,
  runners: readonly KnownRunner[],
  { program, logger }: CommandContext,
): Promise<void> {
  if (runners.length === 0) return;
  await editConfig(path, (draft) => {
    draft.removeRunners(runners.flatMap((runner) => draft.indicesOf(runner)));
  }, { env: program.env });
  logger.info(`Updated ${path}`);
}
