/** Build stage `get_sources`: brings the checkout to the job's commit (inventory section 4.4). */

import { JobConfigurationError } from "../../errors.ts";
import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import { GUARD_OPTIONS, options, repository } from "./git_config.ts";
import { openRepository } from "./repository_directory.ts";
import { configScript, exportVariables, userCommands } from "./common.ts";
import { notice, warning } from "./print.ts";
import { pullLfsFiles, updateSubmodules } from "./submodules.ts";

/** Throws JobConfigurationError when the payload names no usable commit. */
export function getSources(context: PlanContext): readonly ScriptOp[] {
  const { gitStrategy } = context.settings;
  const hooks = gitStrategy === "none" || gitStrategy === "empty" ? NO_HOOKS : sourceHooks(context);
  const { before, after } = hooks;
  const work = sources(context);
  const speaksOnly = [...before, ...work, ...after].every((op) => op.kind === "print");
  return [...(speaksOnly ? [] : exportVariables(context)), ...before, ...work, ...after];
}

interface SourceHooks {
  readonly before: readonly ScriptOp[];
  readonly after: readonly ScriptOp[];
}

/** A hook around sources that are not fetched would have nothing to do with them. */
const NO_HOOKS: SourceHooks = { before: [], after: [] };

/** The scripts of config.toml lie around those of the job. */
function sourceHooks(context: PlanContext): SourceHooks {
  const { runner, spec } = context;
  const ofJob = (name: string) =>
    spec.hooks.filter((hook) => hook.name === name).flatMap(({ script }) => script);
  return {
    before: userCommands(context, "pre_clone_script", [
      ...configScript(runner, "pre_get_sources_script"),
      ...ofJob("pre_get_sources_script"),
    ]),
    after: userCommands(context, "post_clone_script", [
      ...ofJob("post_get_sources_script"),
      ...configScript(runner, "post_get_sources_script"),
    ]),
  };
}

function sources(context: PlanContext): readonly ScriptOp[] {
  const { settings, paths } = context;
  const skipRest = [notice("Skipping Git checkout"), notice("Skipping Git submodules setup")];
  switch (settings.gitStrategy) {
    case "none":
      return [notice("Skipping Git repository setup"), ...skipRest];
    case "empty":
      return [
        notice("Skipping Git repository setup and creating an empty build directory"),
        { kind: "remove-directory", path: paths.projectDir },
        { kind: "make-directory", path: paths.projectDir },
        ...skipRest,
      ];
    case "clone":
    case "fetch":
      return [...fetchChanges(context), ...checkOut(context)];
  }
}

function fetchChanges(context: PlanContext): readonly ScriptOp[] {
  const { settings, paths, flags, correlationId } = context;
  const depth = settings.gitDepth > 0 ? ` with git depth set to ${settings.gitDepth}` : "";
  const correlated = flags.FF_USE_GITALY_CORRELATION_ID && repository(context).origin !== "";
  return [
    { kind: "export", name: "GIT_TERMINAL_PROMPT", value: "0" },
    { kind: "export", name: "GCM_INTERACTIVE", value: "Never" },
    ...(correlated ? [notice(`Gitaly correlation ID: ${correlationId}`)] : []),
    notice(`Fetching changes${depth}...`),
    ...(settings.gitStrategy === "clone"
      ? [{ kind: "remove-directory", path: paths.projectDir } as const]
      : []),
    ...openRepository(context),
    { kind: "change-directory", path: paths.projectDir },
    ...fetch(context),
    ...collectGarbage(context),
  ];
}

/** What a server of before 2019 means when it sends no refspecs. */
const ALL_REFS = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];

function fetch(context: PlanContext): readonly ScriptOp[] {
  const { settings, spec, paths } = context;
  const refspecs = spec.git.refspecs.length > 0 ? spec.git.refspecs : ALL_REFS;
  const call = (...more: readonly string[]): ScriptOp => ({
    kind: "run",
    argv: [
      "git",
      ...GUARD_OPTIONS,
      ...options([["maintenance.auto", "false"]]),
      "fetch",
      "origin",
      "--no-recurse-submodules",
      ...refspecs,
      ...more,
      ...settings.gitFetchFlags,
    ],
  });
  if (settings.gitDepth > 0) return [call("--depth", String(settings.gitDepth))];
  return [{
    kind: "when",
    condition: { kind: "file-exists", path: `${paths.projectDir}/.git/shallow` },
    then: [call("--unshallow")],
    otherwise: [call()],
  }];
}

/** From here on git might find something to do by its own measure: 27 and 50, unless configured. */
const LOOSE_OBJECTS_SAMPLE = 8;
const PACKS = 20;

/**
 * What every fetch would start a process for, and mostly in vain. A look at one of 256 folders of
 * loose objects tells how many there are in all, which is how git does it.
 */
function collectGarbage(context: PlanContext): readonly ScriptOp[] {
  const objects = `${context.paths.projectDir}/.git/objects`;
  const quiet = context.settings.gitFetchFlags.some((flag) => ["--quiet", "-q"].includes(flag));
  const collect: ScriptOp = {
    kind: "attempt",
    ops: [{
      kind: "run",
      argv: ["git", ...GUARD_OPTIONS, "gc", "--auto", ...(quiet ? ["--quiet"] : [])],
    }],
    otherwise: [],
  };
  return [{
    kind: "when",
    condition: {
      kind: "more-files",
      directory: `${objects}/17`,
      suffix: "",
      count: LOOSE_OBJECTS_SAMPLE,
    },
    then: [collect],
    otherwise: [{
      kind: "when",
      condition: {
        kind: "more-files",
        directory: `${objects}/pack`,
        suffix: ".pack",
        count: PACKS,
      },
      then: [collect],
    }],
  }];
}

function checkOut(context: PlanContext): readonly ScriptOp[] {
  const { settings, spec } = context;
  if (!settings.gitCheckout) {
    return [notice("Skipping Git checkout"), ...updateSubmodules(context)];
  }
  if (!/^[0-9a-f]+$/i.test(spec.git.sha)) {
    throw new JobConfigurationError(`Cannot check out "${spec.git.sha}": it is not a commit id`);
  }
  const short = spec.git.sha.slice(0, 8);
  return [
    notice(`Checking out ${short} as detached HEAD (ref is ${spec.git.ref})...`),
    ...setWorktree(context),
    ...pullLfsFiles(context),
    ...updateSubmodules(context),
  ];
}

/** Opens what a job has closed to its own account, and gives up an index that may be damaged. */
const REPAIR = "chmod -R u+rwX . 2>/dev/null; rm -f .git/index .git/index.lock";

/** Brings the files to the commit. When it is there and cannot be checked out, they are at fault. */
function setWorktree(context: PlanContext): readonly ScriptOp[] {
  const { settings, spec } = context;
  const git = (...argv: readonly string[]) => ["git", ...GUARD_OPTIONS, ...argv];
  const noRecursion = options([["submodule.recurse", "false"]]);
  const set: readonly ScriptOp[] = [
    {
      kind: "run",
      argv: git(...noRecursion, "checkout", "-f", "-q", spec.git.sha),
      env: { GIT_LFS_SKIP_SMUDGE: "1" },
    },
    ...(settings.gitCleanFlags === undefined
      ? []
      : [{ kind: "run", argv: git("clean", ...settings.gitCleanFlags) } as const]),
  ];
  return [{
    kind: "attempt",
    ops: set,
    otherwise: [{
      kind: "when",
      condition: { kind: "succeeds", argv: git("cat-file", "-e", `${spec.git.sha}^{commit}`) },
      then: [
        warning("Checking out failed. Repairing the checkout..."),
        { kind: "run", argv: ["sh", "-c", REPAIR] },
        ...set,
      ],
      // Git has said why, and its exit code is the job's.
      otherwise: [{ kind: "run", argv: ["sh", "-c", "exit 128"] }],
    }],
  }];
}
