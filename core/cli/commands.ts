/** The command table. A row says enough to list a command; the command is loaded when it runs. */

import type { CommandEntry } from "./command.ts";
import type { Program } from "./program.ts";

/** The whole table: what the core has, and what executors bring along. */
export function commandTable(program: Pick<Program, "commands">): readonly CommandEntry[] {
  return [...COMMANDS, ...program.commands];
}

const RUN = "Run jobs:";
export const MANAGE = "Manage runners:";
const LOOK = "Look around:";
const HELPERS = "Called by job scripts:";

const COMMANDS: readonly CommandEntry[] = [
  {
    name: "run",
    group: RUN,
    summary: "Take jobs for every runner in config.toml until told to stop",
    load: async () => (await import("./commands/run.ts")).runCommand,
  },
  {
    name: "run-single",
    group: RUN,
    summary: "Take jobs for one runner, given by flags or by its name",
    load: async () => {
      const { runSingleCommand } = await import("./commands/run_single.ts");
      const { runSingle } = await import("../runner/single.ts");
      return runSingleCommand(runSingle);
    },
  },
  {
    name: "exec",
    group: RUN,
    summary: "Run the pipeline of a .gitlab-ci.yml on this machine",
    load: async (args) => (await import("./commands/exec.ts")).execCommand(args),
  },
  {
    name: "register",
    group: MANAGE,
    summary: "Add a runner to config.toml",
    load: async () => (await import("./commands/register.ts")).registerCommand,
  },
  {
    name: "verify",
    group: MANAGE,
    summary: "Ask GitLab whether the tokens in config.toml are valid",
    load: async () => (await import("./commands/verify.ts")).verifyCommand,
  },
  {
    name: "unregister",
    group: MANAGE,
    summary: "Delete runners at GitLab and from config.toml",
    load: async () => (await import("./commands/unregister.ts")).unregisterCommand,
  },
  {
    name: "reset-token",
    group: MANAGE,
    summary: "Replace runner authentication tokens",
    load: async () => (await import("./commands/reset_token.ts")).resetTokenCommand,
  },
  {
    name: "list",
    group: LOOK,
    summary: "List the runners in config.toml",
    load: async () => (await import("./commands/list.ts")).listCommand,
  },
  {
    name: "lint",
    group: LOOK,
    summary: "Check config.toml and report every problem in it",
    load: async () => (await import("./commands/lint.ts")).lintCommand,
  },
  {
    name: "plugin",
    group: LOOK,
    summary: "Look at executor plugins, check one, or be one",
    raw: async () => (await import("./commands/plugin.ts")).pluginCommand,
  },
  {
    name: "completion",
    group: LOOK,
    summary: "Print a completion script for bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completionCommand,
  },
  {
    name: "coordinator",
    group: LOOK,
    summary: "Play GitLab on this machine, for trying a runner",
    load: async () => (await import("./commands/coordinator.ts")).coordinatorCommand,
  },
  {
    name: "artifacts-uploader",
    group: HELPERS,
    summary: "Pack artifacts and hand them to GitLab",
    helper: async () => (await import("../helper/artifacts_uploader.ts")).artifactsUploader,
  },
  {
    name: "artifacts-downloader",
    group: HELPERS,
    summary: "Fetch and unpack artifacts of an earlier job",
    helper: async () => (await import("../helper/artifacts_downloader.ts")).artifactsDownloader,
  },
  {
    name: "cache-archiver",
    group: HELPERS,
    summary: "Pack a cache and store it",
    helper: async () => (await import("../helper/cache_archiver.ts")).cacheArchiver,
  },
  {
    name: "cache-extractor",
    group: HELPERS,
    summary: "Fetch and unpack a cache",
    helper: async () => (await import("../helper/cache_extractor.ts")).cacheExtractor,
  },
  {
    name: "cache-init",
    group: HELPERS,
    summary: "Open cache folders to every user",
    helper: async () => (await import("../helper/cache_init.ts")).cacheInit,
  },
  {
    name: "health-check",
    group: HELPERS,
    summary: "Wait until a service listens",
    helper: async () => (await import("../helper/health_check.ts")).healthCheck,
  },
  {
    name: "read-logs",
    group: HELPERS,
    summary: "Follow a log file",
    helper: async () => (await import("../helper/read_logs.ts")).readLogs,
  },
];
