/** Completion scripts for shells, made from the command table. */

import type { CommandEntry } from "./command.ts";
import type { Flag } from "./flag.ts";
import { GLOBAL_FLAGS } from "./global_flags.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

export type CompletionShell = keyof typeof SCRIPTS;

export function isCompletionShell(name: string): name is CompletionShell {
  return Object.hasOwn(SCRIPTS, name);
}

/** What is completed: a command, its summary, its flags. */
interface Completion {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
}

/** The whole script. `program` is the command it completes. */
export async function completionScript(
  shell: CompletionShell,
  program: string,
  commands: readonly CommandEntry[],
): Promise<string> {
  const completions = await Promise.all(
    commands.filter((entry) => entry.load !== undefined).map(async ({ name, summary, load }) => ({
      name,
      summary,
      flags: [...(await load?.())?.flags ?? [], ...GLOBAL_FLAGS],
    })),
  );
  return SCRIPTS[shell](program, completions);
}

function bashScript(program: string, completions: readonly Completion[]): string {
  const cases = completions
    .map(({ name, flags }) => `    ${name}) words="${longNames(flags).join(" ")}" ;;`);
  return `# bash completion for ${program}
${functionName(program)}() {
  local word command words
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
${cases.join("\n")}
    *) words="${[...completions.map(({ name }) => name), ...longNames(GLOBAL_FLAGS)].join(" ")}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F ${functionName(program)} ${program}
`;
}

function zshScript(program: string, completions: readonly Completion[]): string {
  const commands = completions.map(({ name, summary }) => `    ${zshQuote(`${name}:${summary}`)}`);
  const cases = completions.map(({ name, flags }) =>
    `    ${name}) _arguments ${flags.flatMap(zshArguments).join(" ")} '*:file:_files' ;;`
  );
  return `#compdef ${program}
# zsh completion for ${program}
${functionName(program)}() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case "$words[1]" in
${cases.join("\n")}
  esac
}
compdef ${functionName(program)} ${program}
`;
}

function zshArguments(flag: Flag): string[] {
  const help = flag.help.replace(/[[\]]/g, "\\$&");
  const value = flag.kind === "bool" ? "" : ":value:_files";
  return flag.names.map((name) => zshQuote(`*--${name}[${help}]${value}`));
}

function fishScript(program: string, completions: readonly Completion[]): string {
  const lines = completions.flatMap(({ name, summary, flags }) => [
    `complete -c ${program} -n __fish_use_subcommand -f -a ${name} -d ${fishQuote(summary)}`,
    ...flags.flatMap((flag) =>
      flag.names.map((long) =>
        `complete -c ${program} -n ${fishQuote(`__fish_seen_subcommand_from ${name}`)} -l ${long}` +
        `${flag.kind === "bool" ? "" : " -r"} -d ${fishQuote(flag.help)}`
      )
    ),
  ]);
  return `# fish completion for ${program}\n${lines.join("\n")}\n`;
}

function longNames(flags: readonly Flag[]): string[] {
  return flags.flatMap((flag) => flag.names.map((name) => `--${name}`));
}

function functionName(program: string): string {
  return `_${program.replace(/[^A-Za-z0-9_]/g, "_")}`;
}

function zshQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuote(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
