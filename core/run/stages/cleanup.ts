/** Build stage `cleanup_file_variables`: nothing of the job's secrets stays behind. */

import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import type { JobSettings } from "../settings.ts";
import { GUARD_OPTIONS } from "./git_config.ts";
import { notice } from "./print.ts";

/** The job's temporary directory goes, and with it all that may hold secrets. */
export function removeFiles(context: PlanContext): readonly ScriptOp[] {
  return [{ kind: "remove-directory", path: context.paths.tempDir }];
}

export function cleanUp(context: PlanContext): readonly ScriptOp[] {
  return [
    ...removeFiles(context),
    ...(context.flags.FF_ENABLE_JOB_CLEANUP ? cleanProject(context) : []),
  ];
}

/** What `FF_ENABLE_JOB_CLEANUP` adds: the checkout is left as the next fetch wants it. */
function cleanProject(context: PlanContext): readonly ScriptOp[] {
  const { paths, settings } = context;
  switch (settings.gitStrategy) {
    case "clone":
    case "empty":
      return [{ kind: "remove-directory", path: paths.projectDir }];
    case "fetch":
      return [
        { kind: "change-directory", path: paths.projectDir },
        ...cleanCommands(settings).map((words): ScriptOp => ({
          kind: "run",
          argv: ["git", ...GUARD_OPTIONS, ...words],
        })),
        ...cleanSubmodules(settings),
      ];
    case "none":
      return [notice("Skipping build directory cleanup step")];
  }
}

function cleanSubmodules(settings: JobSettings): readonly ScriptOp[] {
  const { submoduleStrategy } = settings;
  if (submoduleStrategy !== "normal" && submoduleStrategy !== "recursive") return [];
  const recursive = submoduleStrategy === "recursive" ? ["--recursive"] : [];
  return cleanCommands(settings).map((words): ScriptOp => ({
    kind: "run",
    argv: ["git", ...GUARD_OPTIONS, "submodule", "foreach", ...recursive, "git", ...words],
  }));
}

/** `GIT_CLEAN_FLAGS` of `none` keeps what git does not know. */
function cleanCommands({ gitCleanFlags }: JobSettings): readonly (readonly string[])[] {
  const clean = gitCleanFlags === undefined ? [] : [["clean", ...gitCleanFlags]];
  return [...clean, ["reset", "--hard"]];
}

/** `clear_worktree`: before another try of `get_sources`, files that may have caused the failure go. */
export function clearWorktree(context: PlanContext): readonly ScriptOp[] {
  const { projectDir } = context.paths;
  return [
    notice("Deleting tracked and untracked files..."),
    {
      kind: "when",
      condition: { kind: "directory-exists", path: `${projectDir}/.git` },
      then: [
        { kind: "change-directory", path: projectDir },
        {
          kind: "attempt",
          ops: [
            {
              kind: "run",
              argv: ["git", ...GUARD_OPTIONS, "rm", "-rf", "-q", "--ignore-unmatch", "."],
            },
            { kind: "run", argv: ["git", ...GUARD_OPTIONS, "clean", "-ffdx"] },
          ],
          otherwise: [{ kind: "remove-directory", path: `${projectDir}/.git` }],
        },
      ],
    },
  ];
}
