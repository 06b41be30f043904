/** What a reload changes, in words for the runner's log. */

import type { Key, Keys } from "./keys.ts";
import { configTable, type GlobalConfig, type RunnerConfig, runnerTable } from "./schema.ts";
import { Secret } from "../util/secret.ts";

/** Listeners are opened once; everything else takes effect with the next job or poll. */
const NEEDS_RESTART: ReadonlySet<string> = new Set(["listen_address", "session_server"]);

/** One line per changed key, `runners[name].limit: 1 → 5 (applies now)`; never a secret's value. */
export function describeChanges(before: GlobalConfig, after: GlobalConfig): readonly string[] {
  const { runners: _, ...keys } = configTable.table?.keys() ?? {};
  return [...globalChanges(keys, before, after), ...runnerChanges(before.runners, after.runners)];
}

function globalChanges(keys: Keys, before: GlobalConfig, after: GlobalConfig): readonly string[] {
  return Object.entries(keys).flatMap(([name, key]) => {
    const when = NEEDS_RESTART.has(name) ? "needs a restart" : "applies now";
    return changesOf(name, key, valueAt(before, name), valueAt(after, name), when);
  });
}

function runnerChanges(
  before: readonly RunnerConfig[],
  after: readonly RunnerConfig[],
): readonly string[] {
  const left = [...before];
  const lines = after.flatMap((runner) => {
    const at = sameRunner(left, runner);
    const [old] = at < 0 ? [] : left.splice(at, 1);
    const place = `runners[${runner.name}]`;
    if (old === undefined) return [`${place}: added (applies now)`];
    return tableChanges(place, runnerTable.table?.keys() ?? {}, old, runner, "applies now");
  });
  return [...lines, ...left.map(({ name }) => `runners[${name}]: removed (applies now)`)];
}

/** The token says which runner it is; after a rotation only its URL and name can. */
function sameRunner(runners: readonly RunnerConfig[], wanted: RunnerConfig): number {
  const byToken = runners.findIndex((runner) => isEqual(runner.token, wanted.token));
  if (byToken >= 0) return byToken;
  return runners.findIndex(({ name, url }) => name === wanted.name && url === wanted.url);
}

function tableChanges(
  place: string,
  keys: Keys,
  before: unknown,
  after: unknown,
  when: string,
): readonly string[] {
  return Object.entries(keys).flatMap(([name, key]) =>
    changesOf(`${place}.${name}`, key, valueAt(before, name), valueAt(after, name), when)
  );
}

function changesOf(
  place: string,
  key: Key<unknown>,
  before: unknown,
  after: unknown,
  when: string,
): readonly string[] {
  if (isEqual(before, after)) return [];
  if (key.type === "table") {
    return tableChanges(place, key.table?.keys() ?? {}, before, after, when);
  }
  const hidden = key.sensitive || key.type === "array of tables";
  const what = hidden ? "changed" : `${shown(before)} → ${shown(after)}`;
  return [`${place}: ${what} (${when})`];
}

function valueAt(table: unknown, name: string): unknown {
  return typeof table === "object" && table !== null ? Reflect.get(table, name) : undefined;
}

/** Secrets print alike, so they are compared by what they hold. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one instanceof Secret && other instanceof Secret) return one.reveal() === other.reveal();
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  if (one instanceof Date || other instanceof Date) return Bun.deepEquals(one, other);
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => isEqual(valueAt(one, name), valueAt(other, name)));
}

const SHOWN_CHARACTERS = 80;

function shown(value: unknown): string {
  if (value === undefined) return "unset";
  const text = JSON.stringify(value) ?? "unset";
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
