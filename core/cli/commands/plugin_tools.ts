/**
 * `plugin list`, `sdk`, `inspect` and `check`: for people who write plugins, and for those who
 * choose one.
 */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseDocument } from "../../config/load.ts";
import { ConfigurationError, messageOf } from "../../errors.ts";
import { wantsColors } from "../../log/colors.ts";
import type { PluginEntry } from "../../plugin/tools.ts";
import { interruptSignal } from "../interrupt.ts";
import type { Program } from "../program.ts";
import { USAGE } from "../usage.ts";

/** Undefined: there is no such command. */
export async function lookAtPlugins(
  word: string,
  words: readonly string[],
  program: Program,
): Promise<number | undefined> {
  if (word === "--help" || word === "-h" || words.some((each) => each === "--help")) {
    program.stdout.write(help(program));
    return 0;
  }
  try {
    switch (word) {
      case "list":
        return await list(program);
      case "sdk":
        program.stdout.write(await (await program.pluginTools()).pythonSdk());
        return 0;
      case "inspect":
        return await inspect(parse(words, program), program);
      case "check":
        return await check(parse(words, program), program);
      default:
        return undefined;
    }
  } catch (error) {
    program.stderr.write(`${program.calledAs}: ${messageOf(error)}\n`);
    return error instanceof PluginUsageError ? USAGE : 1;
  }
}

class PluginUsageError extends ConfigurationError {}

interface Words {
  readonly argv: readonly string[];
  readonly entry: PluginEntry;
  readonly only: RegExp | undefined;
}

/** Flags of ours end where the plugin's command begins. */
function parse(words: readonly string[], program: Program): Words {
  let entry: PluginEntry = {};
  let only: RegExp | undefined;
  let at = 0;
  for (; words[at]?.startsWith("--"); at += 2) {
    const [flag, value] = [words[at], words[at + 1]];
    if (flag === "--") {
      at++;
      break;
    }
    if (value === undefined) throw new PluginUsageError(`${flag} needs a value`);
    if (flag === "--entry") entry = readEntry(resolve(program.cwd, value));
    else if (flag === "--only") only = readPattern(value);
    else throw new PluginUsageError(`Unknown flag "${flag}": there are --entry and --only`);
  }
  const [name, ...args] = words.slice(at);
  // The plugin's own working directory is another one.
  const isPath = name?.includes("/") || name?.includes("\\");
  if (name !== undefined) {
    return { argv: [isPath ? resolve(program.cwd, name) : name, ...args], entry, only };
  }
  throw new PluginUsageError("Name the plugin's program, with its arguments, behind the flags");
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new PluginUsageError(`--only takes a regular expression: ${messageOf(error)}`);
  }
}

function readEntry(path: string): PluginEntry {
  return parseDocument(readFileSync(path, "utf8"), path);
}

async function list(program: Program): Promise<number> {
  const { stdout, plugins } = program;
  for (const name of Object.keys(plugins)) stdout.write(`${name}\tin this executable\n`);
  for (const { name, path } of (await program.pluginTools()).find()) {
    stdout.write(`${name}\t${path}\n`);
  }
  return 0;
}

async function inspect({ argv, entry }: Words, program: Program): Promise<number> {
  using interrupt = interruptSignal(program);
  const tools = await program.pluginTools();
  const said = await tools.inspect(argv, { entry, signal: interrupt.signal });
  program.stdout.write(`${JSON.stringify(said, undefined, 2)}\n`);
  return 0;
}

async function check({ argv, entry, only }: Words, program: Program): Promise<number> {
  const { stdout } = program;
  const colors = wantsColors(stdout, program.env);
  const paint = (color: number, text: string) => colors ? `\x1b[${color}m${text}\x1b[0m` : text;
  const [green, red] = [32, 31];
  let [passed, failed] = [0, 0];
  using interrupt = interruptSignal(program);
  const { signal } = interrupt;
  const tools = await program.pluginTools();
  for await (const outcome of tools.check(argv, { entry, only, signal })) {
    const { name, seconds, failure, log } = outcome;
    if (failure === undefined) {
      passed++;
      stdout.write(`${paint(green, "ok  ")}  ${name} (${seconds.toFixed(1)} s)\n`);
    } else {
      failed++;
      stdout.write(`${paint(red, "FAIL")}  ${name}\n      ${failure}\n`);
      for (const line of log) stdout.write(`      | ${line}\n`);
    }
  }
  stdout.write(
    failed === 0
      ? `\n${passed} checks passed: this plugin keeps the contract of an executor\n`
      : `\n${passed} checks passed, ${failed} failed: jobs would not run as people expect\n`,
  );
  return failed === 0 ? 0 : 1;
}

function help({ calledAs, plugins }: Program): string {
  const names = Object.keys(plugins).join(", ");
  return `Usage: ${calledAs} plugin <command>

Executors that are programs of their own, as plugins/PROTOCOL.md describes them.

Commands:
  list                                 The plugins in this executable, in PATH and beside it
  sdk                                  Print runner_plugin.py, which plugins in Python are made with
  inspect [--entry FILE] COMMAND...    Start a plugin and print what it says of itself
  check [--entry FILE] [--only REGEX] COMMAND...
                                       Run the whole contract of an executor against a plugin; what
                                       it logs is shown with a check that fails
  ${names.padEnd(36)} Be this plugin, on standard input and output

A plugin works in a directory of its own: name files among its arguments by absolute paths.

Flags:
  --entry FILE    TOML with the keys of a [[runners]] entry: builds_dir, shell, [plugin.config]…
  --only REGEX    Only the checks whose names match

Examples:
  # Does my plugin keep its promises?
  ${calledAs} plugin check --entry sandbox.toml ./sandbox-executor

  # What can it do?
  ${calledAs} plugin inspect ./sandbox-executor
`;
}
