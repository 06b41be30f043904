/** What several build stages share: variables, user commands, calls of this executable. */

import type { RunnerConfig } from "../../config/schema.ts";
import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import type { ExpandedVariable } from "../../job/variables.ts";
import { parametersOf } from "../../util/expand_word.ts";
import { globalConfigFile } from "./git_config.ts";
import { plain, warning } from "./print.ts";

/** Exports every variable and writes every file variable. */
export function exportVariables(context: PlanContext): readonly ScriptOp[] {
  return [...context.variables.all.flatMap(exportVariable), ...globalGitConfig(context)];
}

/** Git skips a configuration that it may not read, and dies of an include of one. */
const BRING_OWN_CONFIG = `for own in "$HOME/.config/git/config" "$HOME/.gitconfig"; do
if [ -r "$own" ]; then git config --file "$1" --add include.path "$own" || :; fi
done`;

function globalGitConfig(context: PlanContext): readonly ScriptOp[] {
  if (!context.flags.FF_GIT_URLS_WITHOUT_TOKENS) return [];
  const path = `${context.paths.tempDir}/gitconfig`;
  return [
    { kind: "write-file", path, content: globalConfigFile(context) },
    { kind: "run", argv: ["sh", "-c", BRING_OWN_CONFIG, "sh", path] },
    { kind: "export", name: "GIT_CONFIG_GLOBAL", value: path },
  ];
}

function exportVariable(variable: ExpandedVariable): readonly ScriptOp[] {
  const { value, content } = variable;
  const file: readonly ScriptOp[] = content === undefined
    ? []
    : [{ kind: "write-file", path: value, content }];
  return [...file, setVariable(variable)];
}

function setVariable({ key: name, value, exported }: ExpandedVariable): ScriptOp {
  return { kind: exported ? "export" : "set", name, value };
}

/**
 * Commands of one script, each announced as `$ <command>` before it runs. `section` is the name
 * that `FF_SCRIPT_SECTIONS` gives to the folded text of those with several lines.
 */
export function userCommands(
  context: PlanContext,
  section: string,
  commands: readonly string[],
): readonly ScriptOp[] {
  const folds = context.flags.FF_SCRIPT_SECTIONS && context.spec.features.trace_sections;
  return commands.map((command, index): ScriptOp => {
    const code = command.trim();
    if (code === "") return plain("");
    const [first = "", ...rest] = code.split("\n");
    if (rest.length > 0 && folds) {
      const name = `section_${section}_${index}`;
      return { kind: "user-command", code, echo: { kind: "section", name, text: `$ ${code}` } };
    }
    const text = `$ ${first}${rest.length === 0 ? "" : " # collapsed multi-line command"}`;
    return { kind: "user-command", code, echo: { kind: "line", text } };
  });
}

/** A script of config.toml as a list of at most one command. */
export function configScript(
  runner: RunnerConfig,
  name:
    | "pre_get_sources_script"
    | "post_get_sources_script"
    | "pre_build_script"
    | "post_build_script",
): readonly string[] {
  return runner[name] === "" ? [] : [runner[name]];
}

/**
 * Variables that a call of this executable may see. Everything else stays out: a job's variables
 * must not steer how the executable starts, and it needs none of them.
 */
const HELPER_VARIABLE =
  /^(https?_proxy|no_proxy|all_proxy|CI_DEBUG_TRACE|TRANSFER_METER_FREQUENCY|(ARTIFACT|CACHE)_COMPRESSION_(LEVEL|FORMAT)|CACHE_(TRANSFER_BUFFER_SIZE|CHUNK_SIZE|CONCURRENCY|MAX_UPLOADED_ARCHIVE_SIZE)|FASTZIP_\w+|ARCHIVER_STAGING_DIR|FF_USE_DIRECT_DOWNLOAD|FF_USE_PARALLEL_\w+|FF_USE_FASTZIP|CI_SERVER_TLS_\w+_FILE|SSL_CERT_(FILE|DIR)|TMPDIR)$/i;

/** What a profile could have set to change how this executable starts. */
const LOADER_VARIABLES = [
  "BUN_BE_BUN",
  "BUN_OPTIONS",
  "BUN_CONFIG_VERBOSE_FETCH",
  "BUN_INSPECT",
  "BUN_JSC_useJIT",
  "NODE_OPTIONS",
  "NODE_EXTRA_CA_CERTS",
  "NODE_TLS_REJECT_UNAUTHORIZED",
];

/** What a job cannot hand to this executable under any pretext. */
const STEERS_START = /^(BUN|NODE|LD|DYLD|SSL)_/;

/**
 * First ops of a stage that calls this executable from the checkout. The helper replaces parameters
 * in `texts` by itself, so it gets those variables that they name, and no others.
 */
export function helperPreamble(
  context: PlanContext,
  texts: readonly string[],
): readonly ScriptOp[] {
  const { variables, paths } = context;
  const named = texts.flatMap(parametersOf).filter((name) => !STEERS_START.test(name));
  const visible = variables.all.filter(({ key }) => HELPER_VARIABLE.test(key));
  return [
    { kind: "unset", names: LOADER_VARIABLES },
    ...visible.flatMap(exportVariable),
    ...variables.all.filter(({ key }) => named.includes(key)).map(setVariable),
    ...(named.length === 0
      ? []
      : [{ kind: "load-env-file", path: variables.get("GITLAB_ENV"), only: named } as const]),
    { kind: "make-directory", path: paths.projectDir },
    { kind: "change-directory", path: paths.projectDir },
  ];
}

/**
 * A call of this executable as a helper, or a warning where it is not to be had; `doing` completes
 * that sentence (`Extracting cache`).
 */
export function helperCall(
  context: PlanContext,
  doing: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ScriptOp {
  const { helperCommand } = context.environment;
  const [program = "gitlab-runner", ...first] = helperCommand ?? [];
  return {
    kind: "when",
    condition: { kind: "program-exists", program },
    then: [{ kind: "run", argv: [program, ...first, ...argv], env }],
    otherwise: [warning(`Missing ${program}. ${doing} is disabled.`)],
  };
}

/** Whether an entry with this `when` applies to a job that ended like this. */
export function applies(when: string, outcome: "success" | "failure"): boolean {
  if (when === "always") return true;
  return outcome === (when === "on_failure" ? "failure" : "success");
}
