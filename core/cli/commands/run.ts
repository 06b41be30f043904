/** `run`: the runner manager, in the foreground. */

import { resolve } from "node:path";
import { openInstruments } from "../../http/instruments.ts";
import { runManager } from "../../runner/manager.ts";
import { codeOf, ConfigurationError, messageOf } from "../../errors.ts";
import type { Command } from "../command.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";
import { configureLog } from "../open_log.ts";
import type { Program } from "../program.ts";
import { logUserMode } from "../user_mode.ts";

export const runCommand: Command = {
  description:
    "Serves every entry of the configuration file and follows changes to it; waits for a file that " +
    "is not there yet. SIGQUIT: take no more jobs, exit when the running ones are done. SIGTERM or " +
    "SIGINT: end the running jobs and exit. SIGHUP: read the configuration again. SIGUSR1: log what " +
    "this process is doing.",
  flags: [
    CONFIG_FLAG,
    {
      names: ["listen-address"],
      kind: "string",
      env: "LISTEN_ADDRESS",
      help: "host:port for metrics and debug endpoints, instead of listen_address",
    },
    {
      names: ["working-directory"],
      short: "d",
      kind: "string",
      help: "Directory to work in; builds of the shell executor are below it",
    },
    {
      names: ["user"],
      short: "u",
      kind: "string",
      help: "Account that jobs of the shell executor run as; needs root",
    },
    {
      names: ["service"],
      short: "n",
      kind: "string",
      default: "gitlab-runner",
      help: "Name of the service; taken from existing service files and not used",
    },
    {
      names: ["syslog"],
      kind: "bool",
      env: "LOG_SYSLOG",
      help: "Taken from existing service files; the log always goes to standard error",
    },
  ],
  examples: [
    ["run", "With the default configuration file"],
    ["run -c ./config.toml -d /srv/runner --listen-address :9252", "With metrics"],
  ],
  async run(flags, context) {
    const { program, log, logger } = context;
    logUserMode(context);
    const configPath = configFile(flags, program);
    const directory = flags.text("working-directory");
    if (directory) changeDirectory(resolve(program.cwd, directory), program);
    const user = flags.text("user");
    const address = flags.text("listen-address");
    return await runManager({
      configPath,
      env: program.env,
      logger,
      configureLog: (config) => configureLog(log, config),
      executors: await program.executors(user ? { user } : {}),
      shells: await program.shells(),
      signals: program.signals,
      instruments: (configured) => openInstruments(address || configured, { log, logger }),
    });
  },
};

function changeDirectory(path: string, { chdir }: Pick<Program, "chdir">): void {
  try {
    chdir(path);
  } catch (cause) {
    const why = codeOf(cause) === "ENOENT" ? "it does not exist" : messageOf(cause);
    throw new ConfigurationError(`Cannot work in the directory "${path}": ${why}`, { cause });
  }
}
