/** The files that the `--path`, `--exclude` and `--untracked` flags select, told to the user. */

import type { Entries } from "../archive/entry_list.ts";
import { selectFiles, type SelectionFinding } from "../archive/file_selection.ts";
import { listUntracked } from "../archive/untracked.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { expandWord } from "../util/expand_word.ts";
import type { HelperValues } from "./flags.ts";
import type { HelperContext } from "./helper_command.ts";

/** Entries relative to the working directory, sorted by path. */
export async function selectedFiles(
  values: HelperValues,
  context: HelperContext,
): Promise<Entries> {
  const { cwd, env, logger, signal } = context;
  const { entries, findings } = await selectFiles({
    root: cwd,
    paths: values.list("path").map((path) => expandPath(path, context)),
    exclude: values.list("exclude").map((path) => expandPath(path, context)),
    untracked: values.bool("untracked") ? () => listUntracked(cwd, env, { signal }) : undefined,
  });
  for (const finding of findings) report(finding, cwd, logger);
  if (Iterator.from(entries).some(({ path }) => path === ".git" || path.startsWith(".git/"))) {
    logger.warning("Part of .git directory is on the list of files to archive");
    logger.warning("This may introduce unexpected problems");
  }
  if (values.bool("verbose")) { for (const { path } of entries) logger.info(path); }
  return entries;
}

/** One that cannot be expanded is taken as it stands. */
function expandPath(path: string, { env, logger }: HelperContext): string {
  try {
    return expandWord(path, (name) => env[name]);
  } catch (error) {
    logger.warning(`invalid path "${path}": ${messageOf(error)}`);
    return path;
  }
}

/** GitLab Runner's sentences: users' tools search logs for them. */
function report(finding: SelectionFinding, cwd: string, logger: Logger): void {
  switch (finding.kind) {
    case "matched":
      return logger.info(
        `${finding.pattern}: found ${finding.count} matching artifact files and directories`,
      );
    case "excluded":
      return logger.info(`${finding.pattern}: excluded ${finding.count} files`);
    case "no-match":
      return logger.warning(
        `${finding.pattern}: no matching files. ` +
          `Ensure that the artifact path is relative to the working directory (${cwd})`,
      );
    case "outside":
      return logger.warning(
        `artifact path is not a subpath of project directory: ${finding.pattern}`,
      );
    case "untracked":
      return finding.count > 0
        ? logger.info(`untracked: found ${finding.count} files`)
        : logger.warning("untracked: no files");
    case "untracked-failed":
      return logger.warning(`untracked: ${finding.message}`);
    case "unreadable":
      return logger.warning(`${finding.path}: ${finding.message}`);
  }
}
