/** The executor `custom` as a plugin: jobs are run by an operator's own programs. */

import { runnerConfig } from "../../core/config/entry.ts";
import type { RunnerConfig } from "../../core/config/schema.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { InitializeParams } from "../../core/plugin/protocol.ts";
import { openProvider, type Plugin } from "../../core/plugin/serve.ts";
import { serveOnStdio } from "../../core/plugin/serve_stdio.ts";
import { buildInfo } from "../../core/version.ts";
import { CustomExecutorProvider } from "./provider.ts";

/** For what is left to do around `cleanup_exec`. */
const REMOVAL_MS = 60_000;

/** Serves on the standard streams. `env` is what the operator's programs inherit. */
export async function serveCustom(
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  await serveOnStdio(customPlugin(env), { env });
}

export function customPlugin(env: Readonly<Record<string, string | undefined>>): Plugin {
  return {
    name: "custom",
    version: buildInfo.release,
    open({ runner }) {
      const config = entryOf(runner);
      const { custom } = config;
      if (custom === undefined || custom.run_exec === "") {
        throw new ConfigurationError(
          `Runner "${runner.name}" has the executor "custom" but no run_exec in [runners.custom]`,
        );
      }
      const graceMs = (custom.graceful_kill_timeout + custom.force_kill_timeout) * 1000;
      return openProvider(new CustomExecutorProvider({ env, custom }), config, {
        graceMs,
        cleanupMs: custom.cleanup_exec_timeout * 1000 + graceMs + REMOVAL_MS,
      });
    },
  };
}

/** The entry as the host described it; a short token stands for the real one. */
function entryOf(runner: InitializeParams["runner"]): RunnerConfig {
  const { short_token: token, config: custom, ...rest } = runner;
  return runnerConfig({ ...rest, token, custom });
}
