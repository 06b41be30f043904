/** The runner entries of a local run: one per executor, as config.toml would have them. */

import { runnerConfig } from "../config/entry.ts";
import type { RunnerConfig } from "../config/schema.ts";
import type { EngineKind } from "./container_engine.ts";
import { HOST_NAMES } from "./container_side.ts";

/** A table of config.toml. */
export type EntrySettings = Readonly<Record<string, unknown>>;

export interface EntryOptions {
  readonly executor: string;
  /** That runs the jobs with an image. */
  readonly engine: EngineKind;
  readonly token: string;
  /** What flags and settings files say. */
  readonly settings: EntrySettings;
  /** Where helper commands of this executor's jobs find the coordinator. */
  readonly url: string;
  readonly builds: string;
  readonly cache: string;
}

/** Throws ConfigurationError for settings that are wrong. */
export function runnerEntry(options: EntryOptions): RunnerConfig {
  const { executor, engine, token, settings, url, builds, cache } = options;
  const onHost = executor === "shell";
  return runnerConfig({
    ...(onHost ? { builds_dir: builds, cache_dir: cache } : {}),
    ...settings,
    name: "local",
    url,
    // Entries that share a token share its one open request for jobs: others would wait for theirs.
    token: `${token}-${executor}`,
    executor,
    // Nobody waits for a limit that protects a server's storage.
    output_limit: OUTPUT_LIMIT_KIB,
    feature_flags: { ...tableOf(settings["feature_flags"]), FF_TIMESTAMPS: false },
    ...(executor === "docker" ? { docker: dockerTable(settings, engine, token) } : {}),
  });
}

const OUTPUT_LIMIT_KIB = 1024 * 1024;

function dockerTable(
  settings: EntrySettings,
  engine: EngineKind,
  token: string,
): Record<string, unknown> {
  const hosts = engine === "docker" ? [`${HOST_NAMES.docker}:host-gateway`] : [];
  const given = tableOf(settings["docker"]);
  return {
    image: "",
    // One for all jobs: those that run at the same time would have different ones.
    volumes: [`runner-${token}-cache:/cache`],
    pull_policy: "if-not-present",
    // Who runs a pipeline here is its administrator as well.
    allowed_pull_policies: ["always", "if-not-present", "never"],
    ...given,
    extra_hosts: [...listOf(given["extra_hosts"]), ...hosts],
  };
}

export function tableOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
