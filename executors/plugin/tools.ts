/** Plugins from the outside: which there are, what one says of itself, what one keeps. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { runnerConfig } from "../../core/config/entry.ts";
import type { ExecutorHost } from "../../core/executor.ts";
import type { LogFields, Logger } from "../../core/log/logger.ts";
import { ConfigurationError } from "../../core/errors.ts";
import { openJob } from "../../core/plugin/check/bench.ts";
import type { CheckCase } from "../../core/plugin/check/check_case.ts";
import { EXECUTOR_CASES } from "../../core/plugin/check/cases.ts";
import { FILE_CASES } from "../../core/plugin/check/file_cases.ts";
import { TERMINAL_CASES } from "../../core/plugin/check/terminal_cases.ts";
import type { InitializeResult } from "../../core/plugin/protocol.ts";
import { type LoggedBench, runChecks } from "../../core/plugin/check/run_checks.ts";
import type { PluginEntry, PluginTools } from "../../core/plugin/tools.ts";
import type { Registry } from "../../core/registry.ts";
import type { Shell } from "../../core/shell.ts";
import { pluginPath, PROGRAM_PREFIX } from "./find_plugin.ts";
import type { PluginHostOptions } from "./plugins.ts";
import { PluginMarks } from "./plugin_marks.ts";
import { PROCESS_CASES } from "./process_cases.ts";
import { PluginExecutorProvider } from "./provider.ts";

export interface PluginToolsOptions extends Omit<PluginHostOptions, "marks"> {
  readonly shells: Registry<Shell>;
  /** Takes what an inspected plugin logs. */
  readonly log: (line: string) => void;
  /** The text of sdk/python/runner_plugin.py. */
  readonly pythonSdk: () => Promise<string>;
}

export function pluginTools(options: PluginToolsOptions): PluginTools {
  return {
    pythonSdk: options.pythonSdk,
    find: () => findPrograms(pluginPath(options)),
    inspect: (argv, { entry, signal }) =>
      inspect(() => openBench(argv, entry, options, options.log), signal),
    async *check(argv, { entry, only, signal }) {
      const wanted = CASES.filter(({ name }) => only === undefined || only.test(name));
      if (wanted.length === 0) throw new ConfigurationError(`No check has a name like ${only}`);
      const open = () => openBench(argv, entry, options);
      for await (const first of runChecks([STARTS], open)) {
        if (first.failure === undefined) continue;
        yield first;
        return;
      }
      const { features } = await inspect(open, signal);
      yield* runChecks(
        wanted.filter(({ needs }) => needs === undefined || features[needs]),
        open,
      );
    },
  };
}

/** All others fail with it, and for its reason. */
const STARTS: CheckCase = {
  name: "the plugin starts, and prepares a job",
  async run(bench) {
    await using _job = await openJob(bench);
  },
};

const CASES = [...EXECUTOR_CASES, ...PROCESS_CASES, ...TERMINAL_CASES, ...FILE_CASES];

async function inspect(
  open: () => ReturnType<typeof openBench>,
  signal: AbortSignal,
): Promise<InitializeResult> {
  await using bench = open();
  const executor = await bench.provider.acquire(bench.config, { host: bench.host, signal });
  await executor?.[Symbol.asyncDispose]();
  return bench.provider.said(bench.config);
}

function findPrograms(path: string): { readonly name: string; readonly path: string }[] {
  return path.split(delimiter).filter((directory) => directory !== "").flatMap((directory) =>
    namesIn(directory)
      .filter((name) => name.startsWith(PROGRAM_PREFIX))
      .map((name) => ({
        name: name.slice(PROGRAM_PREFIX.length).replace(/\.exe$/i, ""),
        path: join(directory, name),
      }))
  );
}

/** Directories of PATH need not exist. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** A runner entry with a state directory of its own, which goes with it. */
function openBench(
  argv: readonly string[],
  entry: PluginEntry,
  options: PluginToolsOptions,
  log: (line: string) => void = () => {},
): LoggedBench & { readonly provider: PluginExecutorProvider } {
  const name = basename(argv[0] ?? "");
  const config = runnerConfig({
    name,
    url: "https://gitlab.example.com",
    token: "glrt-abcdefghijklmnop",
    ...entry,
    executor: name,
  });
  const shell = options.shells.get(config.shell || "bash");
  const stateDir = mkdtempSync(join(tmpdir(), "plugin-check-"));
  // What a plugin that is killed leaves there goes, too.
  const temporary = join(stateDir, "tmp");
  mkdirSync(temporary);
  const provider = new PluginExecutorProvider({
    ...options,
    marks: new PluginMarks(),
    env: { ...options.env, TMPDIR: temporary },
    name,
    features: {},
    command: ({ plugin }) => ({
      argv,
      environment: plugin?.environment ?? [],
      config: plugin?.config ?? {},
    }),
  });
  const logged: string[] = [];
  const host: ExecutorHost = {
    logger: plainLog((line) => {
      logged.push(line);
      log(`${line}\n`);
    }),
    systemId: "s_check",
    stateDir,
  };
  return {
    provider,
    config,
    host,
    shell,
    logged,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** The plugin's own words. What the host says of it has fields, and is known from its errors. */
function plainLog(write: (line: string) => void): Logger {
  const say = (message: string, fields?: LogFields) => {
    if (fields === undefined) write(message);
  };
  const logger: Logger = {
    debug: say,
    info: say,
    warning: say,
    error: say,
    fatal: say,
    with: () => logger,
  };
  return logger;
}
