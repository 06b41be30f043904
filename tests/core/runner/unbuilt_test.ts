import { expect, test } from "bun:test";
import { parseConfig } from "../../../core/config/load.ts";
import { unbuiltSettings } from "../../../core/runner/unbuilt.ts";

const ENTRY = '[[runners]]\nname = "r"\nurl = "https://h"\ntoken = "t"\nexecutor = "shell"\n';

function settingsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  return unbuiltSettings(parseConfig(text, { path: "config.toml", env }).config, env);
}

test("unbuiltSettings() is silent about a plain configuration", () => {
  expect(settingsOf(ENTRY)).toEqual([]);
});

test("unbuiltSettings() names what is in use and has no effect", () => {
  const text =
    `sentry_dsn = "https://k@s/1"\n[session_server]\nlisten_address = ":8093"\n${ENTRY}job_status_final_update_retry_limit = 3\n[runners.cache]\nType = "s3"\n[runners.feature_flags]\nFF_CONCRETE = true\nFF_TIMESTAMPS = false\n`;
  expect(settingsOf(text)).toEqual([
    'runners[r].cache.Type: "s3" is not built yet, caches stay on this host',
    "runners[r].job_status_final_update_retry_limit: a result is tried until it is delivered",
    "runners[r].feature_flags.FF_CONCRETE: not built yet, jobs run stage by stage",
    "session_server: interactive terminals are not built yet",
    "sentry_dsn: errors are not sent to Sentry yet",
  ]);
});

test("unbuiltSettings() names Sentry's address from the environment where the file has none", () => {
  const env = { SENTRY_DSN: "https://k@s/1" };
  expect(settingsOf(ENTRY, env)).toEqual(["SENTRY_DSN: errors are not sent to Sentry yet"]);
  expect(settingsOf(`sentry_dsn = "https://k@s/2"\n${ENTRY}`, env)).toEqual([
    "sentry_dsn: errors are not sent to Sentry yet",
  ]);
});
