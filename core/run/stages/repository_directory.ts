/** The repository of a checkout: made new, or that of an earlier job with everything undone that it set. */

import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import { configFile, options, repository } from "./git_config.ts";
import { notice, plain } from "./print.ts";

/** After this, the project directory has a repository that git can fetch the job's commit into. */
export function openRepository(context: PlanContext): readonly ScriptOp[] {
  const { projectDir } = context.paths;
  const git = `${projectDir}/.git`;
  return [
    ...(context.runner.safe_directory_checkout ? [trustDirectory(projectDir)] : []),
    ...onlyRealDirectory(projectDir),
    ...onlyUsableDirectory(projectDir, ["chmod", "u+rwx"]),
    ...onlyRealDirectory(git),
    ...onlyUsableDirectory(git, ["chmod", "-R", "u+rwX"]),
    ...onlyObjectFormat(context),
    ...onlyWholeRepository(git),
    {
      kind: "when",
      condition: { kind: "file-exists", path: `${git}/HEAD` },
      then: reuseRepository(context),
      otherwise: createRepository(context),
    },
  ];
}

/**
 * Lets git work in a checkout of another user's, in the job's own calls too. Written once: jobs of
 * one account share the file, and git does not wait for its lock.
 */
function trustDirectory(path: string): ScriptOp {
  const pattern = `^${path.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
  return {
    kind: "when",
    condition: {
      kind: "succeeds",
      argv: ["git", "config", "--global", "--get", "safe.directory", pattern],
    },
    then: [],
    otherwise: [
      { kind: "run", argv: ["git", "config", "--global", "--add", "safe.directory", path] },
    ],
  };
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

/** A job may take its own account the right to what it leaves behind; nobody else would give it back. */
function onlyUsableDirectory(path: string, repair: readonly string[]): readonly ScriptOp[] {
  return [{
    kind: "when",
    condition: { kind: "directory-exists", path },
    then: [{
      kind: "when",
      condition: { kind: "directory-usable", path },
      then: [],
      otherwise: [{ kind: "run", argv: [...repair, path] }],
    }],
  }];
}

/** What a `git init` that was ended in the middle has left, no git takes for a repository. */
function onlyWholeRepository(git: string): readonly ScriptOp[] {
  return ["objects", "refs"].map((name): ScriptOp => ({
    kind: "when",
    condition: { kind: "directory-exists", path: `${git}/${name}` },
    then: [],
    otherwise: [{ kind: "remove-directory", path: git }],
  }));
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
