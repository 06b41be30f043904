/** `lint`: everything that is wrong with a config.toml, before a runner has to find out. */

import { loadConfig } from "../../config/load.ts";
import { repeatedRunners } from "../../config/repeated_runners.ts";
import type { GlobalConfig, RunnerConfig } from "../../config/schema.ts";
import { apiUrl } from "../../coordinator/api_url.ts";
import { messageOf } from "../../errors.ts";
import type { ExecutorProvider } from "../../executor.ts";
import { parseListenAddress } from "../../http/listen_address.ts";
import type { Registry } from "../../registry.ts";
import { judgeQueueing } from "../../runner/queue_threshold.ts";
import type { Shell } from "../../shell.ts";
import type { Command } from "../command.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";
import type { Program } from "../program.ts";
import { isExecutor, isShell } from "../runner_entry.ts";

export const lintCommand: Command = {
  description:
    "Reports syntax errors, wrong types, missing and unknown keys and unknown executors, one per " +
    "line with file, line and key. Exits with 1 when there is any.",
  flags: [CONFIG_FLAG],
  examples: [["lint -c config.toml", "Check a file before it is rolled out"]],
  async run(flags, { program, logger }) {
    const path = configFile(flags, program);
    const { findings, remarks } = await examine(path, program);
    for (const remark of remarks) logger.warning(remark);
    for (const finding of findings) logger.error(finding);
    if (findings.length > 0) return 1;
    logger.info("Configuration is valid", { ConfigFile: path });
    return 0;
  },
};

interface Examination {
  readonly findings: readonly string[];
  /** What the file may well say, but this release cannot do, or its writer may not have meant. */
  readonly remarks: readonly string[];
}

async function examine(path: string, program: Program): Promise<Examination> {
  try {
    const { config, warnings } = await loadConfig(path, { env: program.env });
    const executors = await program.executors();
    const isBuilt = ({ executor }: RunnerConfig) =>
      executors.names.includes(executor) || !isExecutor(executor);
    const shells = await program.shells();
    const judgements = (runners: readonly RunnerConfig[]) =>
      runners.flatMap((runner) => runner.executor === "" ? [] : judge(runner, executors));
    return {
      findings: [
        ...warnings,
        ...badAddresses(config),
        ...config.runners.flatMap((runner) => badValues(runner)),
        ...badShells(config.runners.filter(({ shell }) => !isShell(shell)), shells),
        ...judgements(config.runners.filter(isBuilt)),
      ],
      remarks: [
        ...repeatedRunners(config.runners),
        ...judgements(config.runners.filter((runner) => !isBuilt(runner))),
        ...badShells(config.runners.filter(({ shell }) => isShell(shell)), shells),
      ],
    };
  } catch (error) {
    return { findings: messageOf(error).split("\n"), remarks: [] };
  }
}

function judge(runner: RunnerConfig, executors: Registry<ExecutorProvider>): readonly string[] {
  const { name, executor } = runner;
  const provider = executors.find(executor);
  if (provider === undefined) {
    return [
      `Runner "${name}" has the unknown executor "${executor}"; this build has ` +
      executors.names.join(", "),
    ];
  }
  return complaints(() => provider.info(runner));
}

/** Values that are looked at only when a job comes, or that are then passed over. */
function badValues(runner: RunnerConfig): readonly string[] {
  const { monitoring, environment } = runner;
  const problems = [
    ...judgeQueueing(monitoring, NO_JOB, new Date()).problems,
    ...environment.flatMap((entry) =>
      entry.indexOf("=") > 0 ? [] : [`environment: expected KEY=value, got "${entry}"`]
    ),
  ];
  return problems.map((problem) => `Runner "${runner.name}": ${problem}`);
}

function badShells(
  runners: readonly RunnerConfig[],
  shells: Registry<Shell>,
): readonly string[] {
  return runners.filter(({ shell }) => shell !== "").flatMap(({ name, shell }) =>
    complaints(() => shells.get(shell)).map((problem) => `Runner "${name}": ${problem}`)
  );
}

const NO_JOB = { time_in_queue_seconds: 0, project_jobs_running_on_instance_runners_count: "" };

/** Addresses are looked at when they are used; a wrong one then costs its runner or the metrics. */
function badAddresses({ listen_address, runners }: GlobalConfig): readonly string[] {
  return [
    ...runners.flatMap(({ url }) => url === "" ? [] : complaints(() => apiUrl(url))),
    ...(listen_address === "" ? [] : complaints(() => parseListenAddress(listen_address))),
  ];
}

function complaints(look: () => unknown): readonly string[] {
  try {
    look();
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}
