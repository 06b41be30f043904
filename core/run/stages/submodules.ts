/** Submodules and LFS files of the checkout. */

import { SystemFailure } from "../../errors.ts";
import type { ScriptOp } from "../../shell.ts";
import { quoteWord } from "../../util/quote_word.ts";
import type { PlanContext } from "../context.ts";
import { distrustSubmodules, removeSubmodules } from "./submodule_repositories.ts";
import { accessSettings, GUARD_OPTIONS, options } from "./git_config.ts";
import { notice, plain, warning } from "./print.ts";

/** Fetches LFS content, where git-lfs is installed and the checkout asks for it. */
export function pullLfsFiles(context: PlanContext): readonly ScriptOp[] {
  if (context.settings.lfsSkipSmudge) return [];
  return [{
    kind: "when",
    condition: { kind: "program-exists", program: "git-lfs" },
    then: [{
      kind: "when",
      // One cheap look at the attribute files saves starting git-lfs for every other repository.
      condition: {
        kind: "succeeds",
        argv: [
          "git",
          ...GUARD_OPTIONS,
          "grep",
          "-q",
          "filter=lfs",
          "--",
          ":(glob)**/.gitattributes",
        ],
      },
      then: [{ kind: "run", argv: ["git", ...GUARD_OPTIONS, "lfs", "pull"] }],
    }, plain("")],
  }];
}

/** A shallow submodule may lack the branch that `--remote` wants. */
const ALL_HEADS = "git fetch origin '+refs/heads/*:refs/remotes/origin/*'";

/** Runs `GIT_SUBMODULE_STRATEGY`; the current directory is the checkout. */
export function updateSubmodules(context: PlanContext): readonly ScriptOp[] {
  const { settings } = context;
  if (settings.submoduleStrategy === "none") return [notice("Skipping Git submodules setup")];
  if (settings.submoduleStrategy === "invalid") {
    throw new SystemFailure("unknown GIT_SUBMODULE_STRATEGY");
  }
  // Git would take the word alone for "nothing at all", and the path behind it for one to keep.
  if (settings.submodulePaths.includes(":(exclude)")) {
    const given = settings.submodulePaths.map((path) => JSON.stringify(path)).join(" ");
    throw new SystemFailure(
      `GIT_SUBMODULE_PATHS: invalid submodule pathspec [${given}]`,
    );
  }
  const recursive = settings.submoduleStrategy === "recursive" ? ["--recursive"] : [];
  const depth = settings.submoduleDepth > 0 ? ["--depth", String(settings.submoduleDepth)] : [];
  const paths = settings.submodulePaths.length > 0 ? ["--", ...settings.submodulePaths] : [];
  const git = (...argv: readonly string[]): ScriptOp => ({
    kind: "run",
    argv: ["git", ...submoduleOptions(context), "submodule", ...argv],
    env: { GIT_LFS_SKIP_SMUDGE: "1" },
  });
  const init = git("init", ...paths);
  const sync = git("sync", ...recursive, ...paths);
  const update = git(
    "update",
    "--init",
    ...recursive,
    ...depth,
    ...settings.submoduleUpdateFlags,
    ...paths,
  );
  const each = (command: string) => git("foreach", ...recursive, command);
  const clean = (settings.gitCleanFlags ?? []).map(quoteWord).join(" ");
  const reset = "git reset --hard --quiet";
  const followsBranch = settings.submoduleUpdateFlags.some((flag) => /^--remote$/i.test(flag));
  const how = recursive.length > 0 ? " recursively" : "";
  const depthText = depth.length > 0 ? ` with git depth set to ${settings.submoduleDepth}` : "";
  return [
    notice(`Updating/initializing submodules${how}${depthText}...`),
    distrustSubmodules(),
    {
      kind: "attempt",
      ops: [init, sync, update],
      otherwise: [
        warning("Updating submodules failed. Retrying..."),
        {
          kind: "attempt",
          ops: [...(followsBranch ? [each(ALL_HEADS)] : []), sync, update],
          otherwise: [
            warning("Updating submodules failed again. Cloning all of them anew..."),
            removeSubmodules(),
            init,
            sync,
            update,
          ],
        },
      ],
    },
    notice("Updated submodules"),
    sync,
    each(settings.gitCleanFlags === undefined ? reset : `git clean ${clean} && ${reset}`),
    ...configureSubmodules(context, each),
    ...pullSubmoduleLfsFiles(context, each),
  ];
}

/** Lets the user's own git calls inside a submodule reach the coordinator. */
function configureSubmodules(
  context: PlanContext,
  each: (command: string) => ScriptOp,
): readonly ScriptOp[] {
  const settings = accessSettings(context);
  if (settings.length === 0) return [];
  const commands = settings.map(([key, value], index) => {
    const isFirst = settings.findIndex(([each]) => each === key) === index;
    return `git config ${isFirst ? "--replace-all" : "--add"} ${quoteWord(key)} ${
      quoteWord(value)
    }`;
  });
  return [
    notice("Configuring submodules to use parent git credentials..."),
    each(commands.join(" && ")),
  ];
}

function pullSubmoduleLfsFiles(
  context: PlanContext,
  each: (command: string) => ScriptOp,
): readonly ScriptOp[] {
  if (context.settings.lfsSkipSmudge) return [];
  return [{
    kind: "when",
    condition: { kind: "program-exists", program: "git-lfs" },
    then: [notice("Pulling LFS files..."), each("git lfs pull")],
  }];
}

/** `-c` settings reach the git processes that work inside a submodule; the config file does not. */
function submoduleOptions(context: PlanContext): readonly string[] {
  const rewrites = context.settings.submoduleForceHttps ? httpsRewrites(context) : [];
  return [...GUARD_OPTIONS, ...options([...accessSettings(context), ...rewrites])];
}

/** `GIT_SUBMODULE_FORCE_HTTPS`: SSH addresses of this instance are fetched over its HTTP address. */
function httpsRewrites(context: PlanContext): readonly (readonly [string, string])[] {
  const { variables, runner } = context;
  const base = (runner.clone_url || runner.url).replace(/\/+$/, "");
  if (!/^https?:/i.test(base)) return [];
  const host = variables.get("CI_SERVER_SHELL_SSH_HOST") || variables.get("CI_SERVER_HOST") ||
    new URL(base).hostname;
  const port = variables.get("CI_SERVER_SHELL_SSH_PORT");
  const forms = [
    `git@${host}:`,
    `ssh://git@${host}/`,
    ...(port === "" || port === "22" ? [] : [`ssh://git@${host}:${port}/`]),
  ];
  return forms.map((form) => [`url.${base}/.insteadOf`, form] as const);
}
