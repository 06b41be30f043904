/** Build stage `get_sources`: brings the checkout to the job's commit (inventory section 4.4). */

import { JobConfigurationError } from "../../errors.ts";
import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import { configFile, GUARD_OPTIONS, options, repository } from "./git_config.ts";
import { configScript, exportVariables, userCommands } from "./common.ts";
import { pullLfsFiles, updateSubmodules } from "./submodules.ts";

const notice = (text: string): ScriptOp => ({ kind: "print", style: "notice", text });
const plain = (text: string): ScriptOp => ({ kind: "print", style: "plain", text });

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
  const git = `${paths.projectDir}/.git`;
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
    ...onlyRealDirectory(paths.projectDir),
    ...onlyRealDirectory(git),
    ...onlyObjectFormat(context),
    {
      kind: "when",
      condition: { kind: "file-exists", path: `${git}/HEAD` },
      then: reuseRepository(context),
      otherwise: createRepository(context),
    },
    { kind: "change-directory", path: paths.projectDir },
    ...fetch(context),
    ...collectGarbage(context),
  ];
}

/** A link where a directory belongs would lead everything that follows to somewhere else. */
function onlyRealDirectory(path: string): readonly ScriptOp[] {
  return [{
    kind: "when",
    condition: { kind: "directory-exists", path },
    then: [],
    otherwise: [{ kind: "remove-directory", path }],
  }];
}

/** Marks a SHA-256 checkout. The config file would say it too, but a job can write that. */
const SHA256_MARKER = "runner-sha256";

/** A checkout of the other object format cannot be fetched into: it is made anew. */
function onlyObjectFormat(context: PlanContext): readonly ScriptOp[] {
  const { projectDir } = context.paths;
  const drop: ScriptOp = { kind: "remove-directory", path: `${projectDir}/.git` };
  const sha256 = context.spec.git.repo_object_format === "sha256";
  return [{
    kind: "when",
    condition: { kind: "file-exists", path: `${projectDir}/.git/${SHA256_MARKER}` },
    then: sha256 ? [] : [drop],
    otherwise: sha256 ? [drop] : [],
  }];
}

function createRepository(context: PlanContext): readonly ScriptOp[] {
  const { projectDir } = context.paths;
  const sha256 = context.spec.git.repo_object_format === "sha256";
  const format = sha256 ? ["--object-format=sha256"] : [];
  return [
    { kind: "make-directory", path: projectDir },
    {
      kind: "run",
      argv: [
        "git",
        ...options([["init.defaultBranch", "none"], ["init.defaultRefFormat", "files"]]),
        "init",
        "--template=",
        ...format,
        projectDir,
      ],
    },
    ...(sha256
      ? [{ kind: "write-file", path: `${projectDir}/.git/${SHA256_MARKER}`, content: "" } as const]
      : []),
    { kind: "write-file", path: `${projectDir}/.git/config`, content: configFile(context) },
    notice("Created fresh repository."),
  ];
}

function reuseRepository(context: PlanContext): readonly ScriptOp[] {
  const git = `${context.paths.projectDir}/.git`;
  const clean = context.runner.clean_git_config ?? true;
  const stale = ["index.lock", "shallow.lock", "HEAD.lock", "config.lock"];
  const modules = `${git}/modules`;
  return [
    ...stale.map((name): ScriptOp => ({ kind: "remove-file", path: `${git}/${name}` })),
    { kind: "remove-matching", directory: `${git}/refs`, name: "*.lock" },
    ...onlyRealDirectory(modules),
    {
      kind: "when",
      condition: { kind: "directory-exists", path: modules },
      then: [
        { kind: "remove-matching", directory: modules, name: "*.lock" },
        ...(clean
          ? [
            { kind: "remove-matching", directory: modules, name: "hooks" } as const,
            { kind: "remove-matching", directory: modules, name: "config" } as const,
            { kind: "remove-matching", directory: modules, name: "commondir" } as const,
          ]
          : []),
      ],
    },
    ...(clean ? cleanRepository(context) : [
      { kind: "remove-file", path: `${git}/hooks/post-checkout` } as const,
      {
        kind: "run",
        argv: [
          "git",
          "-C",
          context.paths.projectDir,
          "config",
          "remote.origin.url",
          repository(context).url,
        ],
      } as const,
    ]),
    plain(`Reinitialized existing Git repository in ${git}/`),
  ];
}

/** With these an earlier job would bring its own configuration, or change what is checked out. */
const PLANTED = ["commondir", "config.worktree", "info/attributes", "info/grafts"];

/** Undoes what an earlier job set or planted: configuration, hooks, sparse checkout. */
function cleanRepository(context: PlanContext): readonly ScriptOp[] {
  const git = `${context.paths.projectDir}/.git`;
  return [
    {
      kind: "when",
      condition: { kind: "directory-exists", path: `${git}/hooks` },
      then: [{ kind: "remove-directory", path: `${git}/hooks` }],
    },
    ...PLANTED.map((name): ScriptOp => ({ kind: "remove-file", path: `${git}/${name}` })),
    {
      kind: "when",
      condition: { kind: "file-exists", path: `${git}/info/sparse-checkout` },
      then: [
        { kind: "remove-file", path: `${git}/info/sparse-checkout` },
        { kind: "remove-file", path: `${git}/index` },
      ],
    },
    { kind: "write-file", path: `${git}/config`, content: configFile(context) },
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
  const checkout = [...GUARD_OPTIONS, ...options([["submodule.recurse", "false"]])];
  const short = spec.git.sha.slice(0, 8);
  return [
    notice(`Checking out ${short} as detached HEAD (ref is ${spec.git.ref})...`),
    {
      kind: "run",
      argv: ["git", ...checkout, "checkout", "-f", "-q", spec.git.sha],
      env: { GIT_LFS_SKIP_SMUDGE: "1" },
    },
    ...(settings.gitCleanFlags === undefined ? [] : [
      { kind: "run", argv: ["git", ...GUARD_OPTIONS, "clean", ...settings.gitCleanFlags] } as const,
    ]),
    ...pullLfsFiles(context),
    ...updateSubmodules(context),
  ];
}
