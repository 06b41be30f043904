/** Keys outside of `[[runners]]`. */

import { FORMAT_CHOICE, LOG_FORMATS } from "../../log/format.ts";
import { LEVEL_CHOICE, parseLogLevel } from "../../log/level.ts";
import {
  bool,
  choice,
  duration,
  floats,
  int,
  map,
  optionalDuration,
  optionalInt,
  strings,
  text,
} from "../keys.ts";
import { optionalTable, table } from "../tables.ts";
import { labels } from "./labels.ts";

export const globalKeys = {
  listen_address: text(
    "host:port for the metrics/debug HTTP listener; port defaults to 9252; CLI/env value overrides",
  ),
  session_server: table("holds the web-terminal/proxy listener settings", {
    listen_address: text("local bind address; empty disables sessions"),
    advertise_address: text("public address put into the session URL sent to GitLab"),
    session_timeout: int(
      "seconds a job is kept alive after finishing while a terminal is attached",
      { default: 1800, min: 1 },
    ),
  }),
  labels: labels(
    "custom label pairs merged into each runner's labels (≤32; key and value patterns enforced)",
  ),
  concurrent: int("upper bound of simultaneously running jobs over all runners; `run` refuses 0", {
    default: 1,
    zero: true,
  }),
  check_interval: int("seconds between polls; ≤0 → 3; divided by number of runners for spacing", {
    default: 3,
    min: 1,
  }),
  log_level: choice("panic, fatal, error, warning, info, debug; CLI wins", {
    default: "info",
    wanted: LEVEL_CHOICE,
    accepts: (given) => parseLogLevel(given) !== undefined,
  }),
  log_format: choice("runner, text or json; CLI wins", {
    default: "runner",
    wanted: FORMAT_CHOICE,
    accepts: (given) => LOG_FORMATS.some((known) => known === given),
  }),
  user: text("accepted but unused system-user field"),
  sentry_dsn: text("error-level log forwarding to Sentry", { sensitive: true }),
  connection_max_age: duration(
    "how long a TLS keep-alive connection to GitLab may be reused; ≤0 no limit",
    { default: 900_000, zero: true },
  ),
  machine: optionalTable("process-wide docker+machine settings", () => ({
    shutdown_drain: table("removal of idle machines when the process stops", {
      enabled: bool("switches draining on"),
      concurrency: int("parallel removals", { default: 3 }),
      max_retries: int("tries per machine", { default: 3 }),
      retry_backoff: duration("base delay between tries", { default: 5_000 }),
    }),
  })),
  experimental: optionalTable("unstable global settings", () => ({
    usage_logger: table("job usage records", {
      enabled: bool("switches the usage log on"),
      writers: strings("sinks: logrotate, snowplow_billing", { default: ["logrotate"] }),
      logrotate: table("file sink", {
        log_dir: text("folder of rotated files"),
        max_backup_files: int("retained rotated files", { default: 14 }),
        max_rotation_age: duration("age that triggers rotation", { default: 86_400_000 }),
        labels: map("static labels on every record"),
      }),
      snowplow_billing: table("billing event sink", {
        collector_uri: text("collector endpoint"),
        app_id: text("application id of events"),
        category: text("event category"),
        realm: text("SaaS, Dedicated or SM"),
        deployment_type: text("dedicated, .com or self-managed"),
        metadata: map("extra event fields"),
        enable_oidc: bool("attach cloud OIDC token to requests"),
        batch_delivery_duration_buckets: floats("histogram buckets of delivery time"),
        skip_oidc_if_unsupported_cloud: bool(
          "outside AWS/GCP send without token instead of failing",
          { default: true },
        ),
        skip_runner_system_failure: bool("drop records of system-failed jobs", { default: true }),
      }),
      log_dir: text("deprecated alias of logrotate.log_dir"),
      max_backup_files: optionalInt("deprecated alias"),
      max_rotation_age: optionalDuration("deprecated alias"),
      labels: map("deprecated alias"),
    }),
  })),
  shutdown_timeout: int("seconds allowed to the forceful shutdown", { default: 30, min: 1 }),
};
