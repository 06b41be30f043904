/** `[runners.custom]`: programs that make up an executor. */

import { int, strings, text } from "../keys.ts";

export const customKeys = {
  config_exec: text("config stage program"),
  config_args: strings("arguments", { env: null }),
  config_exec_timeout: int("seconds", { default: 3600, min: 1 }),
  prepare_exec: text("prepare program"),
  prepare_args: strings("arguments", { env: null }),
  prepare_exec_timeout: int("seconds", { default: 3600, min: 1 }),
  run_exec: text("run program; script path and stage appended"),
  run_args: strings("arguments placed before them", { env: null }),
  cleanup_exec: text("cleanup program"),
  cleanup_args: strings("arguments", { env: null }),
  cleanup_exec_timeout: int("seconds", { default: 3600, min: 1 }),
  graceful_kill_timeout: int("seconds after SIGTERM", { default: 600, min: 1 }),
  force_kill_timeout: int("seconds after SIGKILL before giving up", { default: 10, min: 1 }),
};
