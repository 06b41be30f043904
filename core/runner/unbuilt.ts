/** Settings that are understood and kept, but that this release does not act on yet. */

import type { Environment } from "../config/entry.ts";
import { unbuiltFlag } from "../config/feature_flags.ts";
import type { GlobalConfig, RunnerConfig } from "../config/schema.ts";

/** One sentence per such setting that is in use; `env` may hold some that the file lacks. */
export function unbuiltSettings(config: GlobalConfig, env: Environment): readonly string[] {
  const sentences = config.runners.flatMap((runner) =>
    runnerSettings(runner).map(([key, effect]) => `runners[${runner.name}].${key}: ${effect}`)
  );
  if (config.session_server.listen_address !== "") {
    sentences.push("session_server: interactive terminals are not built yet");
  }
  const sentry = config.sentry_dsn ? "sentry_dsn" : env["SENTRY_DSN"] ? "SENTRY_DSN" : undefined;
  if (sentry !== undefined) sentences.push(`${sentry}: errors are not sent to Sentry yet`);
  if (config.experimental?.usage_logger?.enabled) {
    sentences.push("experimental.usage_logger: usage records are not built yet");
  }
  return sentences;
}

/** The setting's default. */
const FINAL_UPDATE_TRIES = 10;

function runnerSettings(runner: RunnerConfig): readonly (readonly [key: string, effect: string])[] {
  const { cache, referees, experimental } = runner;
  const used: (readonly [string, string, boolean])[] = [
    ["cache.Type", `"${cache.Type}" is not built yet, caches stay on this host`, cache.Type !== ""],
    [
      "job_status_final_update_retry_limit",
      "a result is tried until it is delivered",
      runner.job_status_final_update_retry_limit !== FINAL_UPDATE_TRIES,
    ],
    ["referees", "not built yet, no metrics are collected", referees?.metrics !== undefined],
    ["experimental.boot_verify", "not built yet", experimental?.boot_verify?.enabled ?? false],
    ["proxy_exec", "not built yet, commands run directly", runner.proxy_exec ?? false],
    ["use_slot_cgroups", "not built yet", runner.use_slot_cgroups],
  ];
  const flags = Object.entries(runner.feature_flags).flatMap(([name, isOn]) => {
    const effect = unbuiltFlag(name);
    return effect === undefined ? [] : [[`feature_flags.${name}`, effect, isOn] as const];
  });
  return [...used, ...flags].flatMap(([key, effect, isUsed]) =>
    isUsed ? [[key, effect] as const] : []
  );
}
