/** Operations of a stage as POSIX shell code, which bash, dash and busybox read alike. */

import {
  type RenderOptions,
  type ScriptCondition,
  type ScriptOp,
  type UserCommandEcho,
} from "../core/shell.ts";
import { scriptLine } from "../core/util/ansi.ts";
import { quotePosix, quotePosixPath } from "./quote.ts";

type RunOp = Extract<ScriptOp, { kind: "run" }>;
type UserCommandOp = Extract<ScriptOp, { kind: "user-command" }>;

/**
 * The ops of a whole script. The code relies on `set -e`; it never puts an op into a condition,
 * where the shell would ignore its failure.
 */
export function renderPosixOps(ops: readonly ScriptOp[], options: RenderOptions): string {
  return ops.map((op) =>
    op.kind === "user-command" ? userCommand(op, op.code, options) : render(op)
  )
    .join("\n");

  function block(inner: readonly ScriptOp[]): string {
    return inner.length === 0 ? ":" : inner.map(render).join("\n");
  }

  /** An op that may stand inside a compound command. */
  function render(op: ScriptOp): string {
    switch (op.kind) {
      case "export":
        return exportVariable(op.name, op.value);
      case "set":
        return `unset -v ${op.name}\n${op.name}=${quotePosix(op.value)}`;
      case "unset":
        return op.names.length === 0 ? ":" : `unset -v ${op.names.map(quotePosix).join(" ")}`;
      case "write-file":
        return writeFile(op.path, op.content);
      case "load-env-file":
        return loadEnvFile(op.path, op.only);
      case "print":
        return printLine(scriptLine(op.style, op.text));
      case "print-host":
        return printHost(op.via);
      case "change-directory":
        return `cd ${quotePosixPath(op.path)}`;
      case "make-directory":
        return makeDirectory(op.path);
      case "remove-directory":
        return removeDirectory(op.path);
      case "remove-file":
        return removeFile(op.path);
      case "remove-matching":
        return removeMatching(op.directory, op.name);
      case "run":
        return run(op);
      case "user-command":
        // Inside a compound command the shell would parse raw code before anything runs.
        return userCommand(op, `eval ${quotePosix(op.code)}`, options);
      case "when":
        return [
          `if ${condition(op.condition)}; then`,
          block(op.then),
          ...(op.otherwise === undefined ? [] : ["else", block(op.otherwise)]),
          "fi",
        ].join("\n");
      case "attempt":
        return attempt(block(op.ops), block(op.otherwise));
      case "concurrently":
        return concurrently(op.groups.map(block));
    }
  }
}

/** Bash sets these itself and lets nobody else; a job may well bring one along, such as `UID`. */
const READ_ONLY = ["BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"];

function exportVariable(name: string, value: string): string {
  const command = `export ${quotePosix(name)}=${quotePosix(value)}`;
  return READ_ONLY.includes(name) ? `command ${command} 2>/dev/null || :` : command;
}

function printLine(text: string): string {
  return `printf '%s\\n' ${quotePosix(text)}`;
}

function printHost(via: string | undefined): string {
  const behind = via === undefined ? "" : ` ${quotePosix(` via ${via}`)}`;
  return `printf 'Running on %s%s...\\n' "$(hostname 2>/dev/null || uname -n)"${behind}`;
}

/** `rm` and noclobber together create the file anew: a link planted at `path` is not followed. */
function writeFile(path: string, content: string): string {
  const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  return [
    ...(parent === "" ? [] : [makeDirectory(parent)]),
    removeFile(path),
    `(umask 077 && set -C && printf %s ${quotePosix(content)} > ${quotePosixPath(path)})`,
  ].join("\n");
}

/**
 * Values are taken literally, as GitLab Runner takes them. The file is the user's: sourcing it would
 * run code in the helper's environment.
 */
function loadEnvFile(path: string, only: readonly string[] | undefined): string {
  const file = quotePosixPath(path);
  const wanted = only?.map((name) => `${name}=*`).join("|") ?? "[A-Za-z_]*=*";
  return [
    `if [ -f ${file} ]; then`,
    'while IFS= read -r runner_line || [ -n "$runner_line" ]; do',
    `case $runner_line in ${wanted}) command export "$runner_line" || : ;; esac`,
    `done < ${file}`,
    "unset runner_line",
    "fi",
  ].join("\n");
}

/** Most directories are there already, and `[` costs no process. */
function makeDirectory(path: string): string {
  const directory = quotePosixPath(path);
  return `[ -d ${directory} ] || mkdir -p ${directory}`;
}

function removeFile(path: string): string {
  const file = quotePosixPath(path);
  return `if [ -e ${file} ] || [ -L ${file} ]; then rm -f ${file}; fi`;
}

/** A trailing slash would make `rm` and `[ -L` look behind a link. */
function removeDirectory(path: string): string {
  const directory = quotePosixPath(path.replace(/(?<=.)\/+$/, ""));
  return [
    `if [ -e ${directory} ] || [ -L ${directory} ]; then`,
    `rm -rf ${directory} 2>/dev/null || {`,
    `[ -L ${directory} ] || chmod -R u+rwx ${directory} 2>/dev/null || :`,
    `rm -rf ${directory}`,
    "}",
    "fi",
  ].join("\n");
}

/** `.` as starting point keeps the directory itself out, whatever the pattern. */
function removeMatching(directory: string, name: string): string {
  const root = quotePosixPath(directory);
  const below = quotePosixPath(`${directory}/.`);
  return `if [ -d ${root} ] && [ ! -L ${root} ]; then ` +
    `find ${below} ! -name . -name ${quotePosix(name)} -prune -exec rm -rf {} +; fi`;
}

function run(op: RunOp): string {
  const env = Object.entries(op.env ?? {}).map(([name, value]) => `${name}=${quotePosix(value)}`);
  const words = [...env, ...op.argv.map(quotePosix)];
  return `${words.join(" ")}${op.quiet === true ? " >/dev/null" : ""}`;
}

function condition(asked: ScriptCondition): string {
  switch (asked.kind) {
    case "file-exists":
      return `[ -e ${quotePosixPath(asked.path)} ]`;
    case "directory-exists": {
      const path = quotePosixPath(asked.path);
      return `[ -d ${path} ] && [ ! -L ${path} ]`;
    }
    case "directory-usable": {
      const path = quotePosixPath(asked.path);
      return `[ -r ${path} ] && [ -w ${path} ] && [ -x ${path} ]`;
    }
    case "program-exists": {
      const program = quotePosix(asked.program);
      return asked.program.includes("/")
        ? `[ -f ${program} ] && [ -x ${program} ]`
        : `command -v ${program} >/dev/null 2>&1`;
    }
    case "more-files": {
      // A function has arguments of its own: those of the script stay, and nothing is forked.
      const pattern = `${quotePosixPath(asked.directory)}/*${quotePosix(asked.suffix)}`;
      return `runner_more() { [ "$#" -gt ${asked.count} ]; } && runner_more ${pattern}`;
    }
    case "succeeds":
      return `${asked.argv.map(quotePosix).join(" ")} >/dev/null 2>&1`;
  }
}

/** A subshell has its own `set -e`, so that the first failing op ends it and nothing else. */
function attempt(ops: string, otherwise: string): string {
  return `set +e\n(\nset -e\n${ops}\n)\ncase $? in\n0) set -e ;;\n*)\nset -e\n${otherwise}\n;;\nesac`;
}

function concurrently(groups: readonly string[]): string {
  return [
    "runner_status=0",
    ...groups.map((ops, index) => `(\n${ops}\n) &\nrunner_pid_${index}=$!`),
    ...groups.map((_, index) => `wait "$runner_pid_${index}" || runner_status=$?`),
    '[ "$runner_status" -eq 0 ] || exit "$runner_status"',
  ].join("\n");
}

function userCommand(op: UserCommandOp, code: string, options: RenderOptions): string {
  return [
    ...(op.echo === undefined ? [] : [announce(op.echo)]),
    code,
    ...(options.checkExitCodes ? ["case $? in 0) ;; *) exit $? ;; esac"] : []),
  ].join("\n");
}

function announce(echo: UserCommandEcho): string {
  const line = printLine(scriptLine("notice", echo.text));
  if (echo.kind === "line") return line;
  return [
    sectionMarker("start", `${echo.name}[hide_duration=true,collapsed=true]`, ""),
    line,
    sectionMarker("end", echo.name, "\\n"),
  ].join("\n");
}

function sectionMarker(edge: "start" | "end", name: string, lineEnd: string): string {
  const format = `section_${edge}:%s:%s\\r\\033[0K${lineEnd}`;
  return `printf '${format}' "$(date +%s)" ${quotePosix(name)}`;
}
