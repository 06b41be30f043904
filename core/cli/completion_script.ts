/** Completion scripts for shells, made from the command table. */

import { quoteWord } from "../util/quote_word.ts";
import type { CommandEntry } from "./command.ts";
import type { Flag } from "./flag.ts";
import { GLOBAL_FLAGS } from "./global_flags.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

export type CompletionShell = keyof typeof SCRIPTS;

export function isCompletionShell(name: string): name is CompletionShell {
  return Object.hasOwn(SCRIPTS, name);
}

/** What is completed: a command, its summary, its flags, and words that may follow. */
interface Completion {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly words: readonly string[];
}

/** The whole script. `program` is the command it completes. */
export async function completionScript(
  shell: CompletionShell,
  program: string,
  commands: readonly CommandEntry[],
): Promise<string> {
  const completions = await Promise.all(
    commands.filter((entry) => entry.load !== undefined).map(async ({ name, summary, load }) => {
      const command = await load?.(["--help-all"]);
      const words = (command?.operands ?? []).flatMap((operand) =>
        operand.includes("|") ? operand.split("|") : []
      );
      return { name, summary, flags: [...command?.flags ?? [], ...GLOBAL_FLAGS], words };
    }),
  );
  const help = {
    name: "help",
    summary: "Show help about a command",
    flags: GLOBAL_FLAGS,
    words: completions.map(({ name }) => name),
  };
  return SCRIPTS[shell](program, [...completions, help]);
}

function bashScript(program: string, completions: readonly Completion[]): string {
  const names = completions.map(({ name }) => name);
  const values = GLOBAL_FLAGS.filter((flag) => flag.values !== undefined).map((flag) =>
    `    --${flag.names[0]}) words="${flag.values?.join(" ")}" ;;`
  );
  const cases = completions.map(({ name, flags, words }) =>
    `      ${name}) words="${[...words, ...longNames(flags)].join(" ")}" ;;`
  );
  return `# bash completion for ${program}
${functionName(program)}() {
  local word command words
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in ${names.join("|")}) command="$word"; break ;; esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${values.join("\n")}
    *) case "$command" in
${cases.join("\n")}
      *) words="${[...names, ...longNames(GLOBAL_FLAGS)].join(" ")}" ;;
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F ${functionName(program)} ${program}
`;
}

/** A file on `fpath` is itself the function that completes; one that is sourced has to say so. */
function zshScript(program: string, completions: readonly Completion[]): string {
  const commands = completions.map(({ name, summary }) => `    ${quoteWord(`${name}:${summary}`)}`);
  const cases = completions.map(({ name, flags, words }) => {
    const rest = words.length === 0 ? "'*:file:_files'" : `'1:word:(${words.join(" ")})'`;
    return `    ${name}) _arguments ${flags.flatMap(zshArguments).join(" ")} ${rest} ;;`;
  });
  return `#compdef ${program}
# zsh completion for ${program}
${functionName(program)}() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  local -i at=2
  while (( at < CURRENT )) && [[ -z $commands[(r)$words[at]:*] ]]; do (( at++ )); done
  if (( at >= CURRENT )); then
    if [[ $words[CURRENT] == -* ]]; then
      _arguments ${GLOBAL_FLAGS.flatMap(zshArguments).join(" ")}
    else
      _describe command commands
    fi
    return
  fi
  shift $(( at - 1 )) words
  (( CURRENT -= at - 1 ))
  case "$words[1]" in
${cases.join("\n")}
  esac
}
if [[ $zsh_eval_context[-1] == (file|eval|cmdarg) ]]; then
  compdef ${functionName(program)} ${program}
else
  ${functionName(program)} "$@"
fi
`;
}

function zshArguments(flag: Flag): string[] {
  const help = flag.help.replace(/[[\]]/g, "\\$&");
  const values = flag.values === undefined ? "_files" : `(${flag.values.join(" ")})`;
  const value = flag.kind === "bool" ? "" : `:value:${values}`;
  return flag.names.map((name) => quoteWord(`*--${name}[${help}]${value}`));
}

function fishScript(program: string, completions: readonly Completion[]): string {
  const complete = `complete -c ${program} -n`;
  const global = GLOBAL_FLAGS.flatMap(fishArguments).map((argument) =>
    `${complete} __fish_use_subcommand ${argument}`
  );
  const lines = completions.flatMap(({ name, summary, flags, words }) => {
    const seen = `${complete} ${fishQuote(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `${complete} __fish_use_subcommand -f -a ${name} -d ${fishQuote(summary)}`,
      ...(words.length === 0 ? [] : [`${seen} -f -a ${fishQuote(words.join(" "))}`]),
      ...flags.flatMap(fishArguments).map((argument) => `${seen} ${argument}`),
    ];
  });
  return `# fish completion for ${program}\n${[...global, ...lines].join("\n")}\n`;
}

function fishArguments({ names, kind, values, help }: Flag): string[] {
  const value = values !== undefined
    ? ` -x -a ${fishQuote(values.join(" "))}`
    : kind === "bool"
    ? ""
    : " -r";
  return names.map((long) => `-l ${long}${value} -d ${fishQuote(help)}`);
}

function longNames(flags: readonly Flag[]): string[] {
  return flags.flatMap((flag) => flag.names.map((name) => `--${name}`));
}

function functionName(program: string): string {
  return `_${program.replace(/[^A-Za-z0-9_]/g, "_")}`;
}

function fishQuote(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
