/** `[runners.autoscaler]` and `[runners.instance]`. */

import {
  bool,
  duration,
  float,
  floats,
  freeTable,
  int,
  optionalBool,
  secret,
  strings,
  text,
} from "../keys.ts";
import { table, tables } from "../tables.ts";

/** Idle capacity wanted at certain times; the kubernetes autoscaler takes the same. */
export const policyKeys = {
  periods: strings("cron windows, last match wins", { default: ["* * * * *"] }),
  timezone: text("zone"),
  idle_count: int("immediately available slots wanted"),
  idle_time: duration("how long an idle VM or pod may live (≥1s)"),
  scale_factor: float("extra idle = factor × in use"),
  scale_factor_limit: int("cap of that"),
  preemptive_mode: optionalBool("jobs are requested only when idle capacity exists"),
};

const connectorKeys = {
  os: text("OS"),
  arch: text("architecture"),
  protocol: text("ssh or winrm"),
  protocol_port: int("port"),
  username: text("user"),
  password: secret("password"),
  key_path: text("private key"),
  use_static_credentials: bool("skip plugin-issued credentials"),
  keepalive: duration("keepalive interval"),
  timeout: duration("connect timeout"),
  use_external_addr: bool("connect over external address"),
};

export const autoscalerKeys = {
  capacity_per_instance: int("concurrent jobs per VM", { default: 1, min: 1 }),
  max_use_count: int("jobs before a VM is retired"),
  max_instances: int("VM cap"),
  plugin: text("binary name or OCI reference"),
  plugin_config: freeTable("opaque, passed as JSON"),
  connector_config: table("how instances are reached", connectorKeys),
  policy: tables("idle capacity by time; the last match wins", policyKeys),
  instance_ready_command: text("command that must exit 0 before use"),
  instance_acquire_timeout: duration("wait for a VM", { default: 900_000 }),
  update_interval: duration("plugin poll", { default: 60_000 }),
  update_interval_when_expecting: duration("poll while a change is pending", { default: 2_000 }),
  deletion_retry_interval: duration("repeat delete", { default: 60_000 }),
  shutdown_deletion_interval: duration("delete poll at shutdown", { default: 10_000 }),
  shutdown_deletion_retries: int("tries at shutdown", { default: 3 }),
  failure_threshold: int("consecutive health failures before replacement", { default: 3 }),
  scale_throttle: table("provision rate limiter", {
    limit: int("instances per second", { default: 100 }),
    burst: int("burst"),
  }),
  reservation_throttling: bool("no reservation beyond supply", { default: true }),
  log_internal_ip: bool("print internal IP to job log"),
  log_external_ip: bool("print external IP"),
  delete_instances_on_shutdown: bool("remove all VMs at exit"),
  vm_isolation: table("nested VMs", {
    enabled: bool("switch"),
    nesting_host: text("nesting daemon address"),
    nesting_config: freeTable("opaque"),
    image: text("default nested image"),
    connector_config: table("how instances are reached", connectorKeys),
  }),
  state_storage: table("persist VM state over restarts", {
    enabled: bool("switch"),
    dir: text("folder"),
    keep_instance_with_acquisitions: bool("keep VMs that were acquired"),
  }),
  instance_operation_time_buckets: floats("default of the four operation histograms"),
  instance_creation_time_buckets: floats("histogram"),
  instance_is_running_time_buckets: floats("histogram"),
  instance_deletion_time_buckets: floats("histogram"),
  instance_readiness_time_buckets: floats("histogram"),
  instance_life_duration_buckets: floats("histogram"),
};

export const instanceKeys = {
  allowed_images: strings("nested-VM image patterns (vm_isolation)"),
  use_common_build_dir: bool(
    "same build folder for all jobs; needs vm_isolation or max_use_count 1",
  ),
};
