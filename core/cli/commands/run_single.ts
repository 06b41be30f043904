/** `run-single`: jobs for one runner, which need not stand in any file. */

import { runnerConfig } from "../../config/entry.ts";
import { loadConfig } from "../../config/load.ts";
import type { RunnerConfig } from "../../config/schema.ts";
import { ConfigurationError } from "../../errors.ts";
import type { SingleOptions } from "../../runner/single.ts";
import type { Command, CommandContext } from "../command.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";
import { managerIdentity } from "../connect.ts";
import { type FlagValues } from "../flag.ts";
import { textAt } from "../runner_entry.ts";
import { entryFromFlags, runnerEntryFlags } from "../runner_flags.ts";
import { logUserMode } from "../user_mode.ts";

/** The command, over what serves one runner and resolves with the exit code. */
export function runSingleCommand(
  runSingle: (options: SingleOptions) => Promise<number>,
): Command {
  return {
    description:
      "The runner is given by flags (--url, --token and --executor are needed) or, with --runner, " +
      "taken from the configuration file. Signals are those of `run`.",
    flags: [
      CONFIG_FLAG,
      {
        names: ["runner"],
        short: "r",
        kind: "string",
        help: "Take the runner of this name from the configuration file",
      },
      {
        names: ["wait-timeout"],
        kind: "int",
        default: "0",
        help: "Exit after so many seconds without a job; 0 means never",
      },
      {
        names: ["max-builds"],
        kind: "int",
        default: "0",
        help: "Exit after so many jobs; 0 means never",
      },
      ...runnerEntryFlags(),
    ],
    examples: [
      ["run-single --runner my-runner --max-builds 1", "One job for a runner of config.toml"],
      [
        'run-single --url https://gitlab.example.com --token "$TOKEN" --executor shell \\\n' +
        "    --wait-timeout 60",
        "Without any file, until a minute passes without a job",
      ],
    ],
    async run(flags, context) {
      const { program, logger } = context;
      logUserMode(context);
      const configPath = configFile(flags, program);
      return await runSingle({
        runner: await singleRunner(flags, configPath, context),
        ...await managerIdentity(configPath, context),
        maxBuilds: Math.max(0, flags.int("max-builds") ?? 0),
        waitTimeoutMs: Math.max(0, flags.int("wait-timeout") ?? 0) * 1000,
        env: program.env,
        logger,
        executors: await program.executors(),
        shells: await program.shells(),
        signals: program.signals,
      });
    },
  };
}

async function singleRunner(
  flags: FlagValues,
  configPath: string,
  { program }: CommandContext,
): Promise<RunnerConfig> {
  const name = flags.text("runner");
  if (!name) return runnerFromFlags(flags, program.env);
  const { config } = await loadConfig(configPath, { env: program.env });
  const runner = config.runners.find((entry) => entry.name === name);
  if (runner !== undefined) return runner;
  throw new ConfigurationError(`No runner in "${configPath}" has the name "${name}"`);
}

function runnerFromFlags(
  flags: FlagValues,
  env: CommandContext["program"]["env"],
): RunnerConfig {
  const entry = entryFromFlags(flags);
  const missing = ["url", "token", "executor"].filter((key) => textAt(entry, [key]) === "");
  if (missing.length === 0) return runnerConfig(entry, { env });
  throw new ConfigurationError(
    `Give ${missing.map((key) => `--${key}`).join(", ")}, or --runner with the name of a runner`,
  );
}
