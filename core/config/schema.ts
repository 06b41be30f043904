/** The shape of config.toml. Keys keep the names they have in the file. */

import type { Key, Keys, TableOf } from "./keys.ts";
import { flagsOf, type RunnerFlag, table, tables } from "./tables.ts";
import { globalKeys } from "./schema/global.ts";
import { runnerKeys } from "./schema/runner.ts";

export type { RunnerFlag } from "./tables.ts";

/** One `[[runners]]` entry, frozen. Durations are milliseconds; absent tables are undefined. */
export interface RunnerConfig extends TableOf<typeof runnerKeys> {}

/** The whole file, frozen. */
export interface GlobalConfig extends TableOf<typeof globalKeys> {
  readonly runners: readonly RunnerConfig[];
}

export type DockerConfig = NonNullable<RunnerConfig["docker"]>;
export type SshConfig = NonNullable<RunnerConfig["ssh"]>;

/** The entry of `[[runners]]` as a key. */
export const runnerTable: Key<RunnerConfig> = table("one registered runner", runnerKeys);

/** The document as a key. */
export const configTable: Key<GlobalConfig> = table("config.toml", {
  ...globalKeys,
  runners: tables("one table per registered runner", runnerKeys),
});

/** Every key that `register` and `run-single` take as flag and environment variable. */
export function runnerFlags(): readonly RunnerFlag[] {
  return flagsOf(runnerKeys, { path: [], flag: [], env: ["RUNNER"] });
}

/** A key of the schema with its place: `runners[].docker.image`. */
export interface DocumentedKey {
  readonly name: string;
  readonly key: Key<unknown>;
}

/** All keys of the file, tables before what they hold. */
export function documentedKeys(): readonly DocumentedKey[] {
  return keysBelow("", configTable.table?.keys() ?? {});
}

function keysBelow(prefix: string, keys: Keys): readonly DocumentedKey[] {
  return Object.entries(keys).flatMap(([short, key]) => {
    const name = `${prefix}${short}`;
    const inner = key.type === "array of tables" ? `${name}[].` : `${name}.`;
    return [{ name, key }, ...keysBelow(inner, key.table?.keys() ?? {})];
  });
}
