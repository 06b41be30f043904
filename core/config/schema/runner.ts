/** One `[[runners]]` entry. */

import {
  bool,
  datetime,
  duration,
  int,
  mapOfBool,
  optionalBool,
  optionalDuration,
  secret,
  strings,
  text,
} from "../keys.ts";
import { pluginKeys } from "./plugin.ts";
import { optionalTable, table, tables } from "../tables.ts";
import { autoscalerKeys, instanceKeys } from "./autoscaler.ts";
import { cacheKeys } from "./cache.ts";
import { customKeys } from "./custom.ts";
import { dockerKeys } from "./docker.ts";
import { kubernetesKeys } from "./kubernetes.ts";
import { labels } from "./labels.ts";
import { machineKeys } from "./machine.ts";
import { sshKeys } from "./ssh.ts";
import { parallelsKeys, virtualboxKeys } from "./virtual_machines.ts";

export const runnerKeys = {
  name: text("name of the runner, kept in config.toml alone", {
    flag: ["--name", "--description"],
  }),
  limit: int("most jobs of this runner at a time; 0 means no limit"),
  output_limit: int("job log ceiling in KiB", { default: 4096, min: 1 }),
  request_concurrency: int("most requests for a job at a time", { default: 1, min: 1 }),
  strict_check_interval: bool("no immediate re-poll after a job was received"),
  unhealthy_requests_limit: int("consecutive failed job requests before the worker pauses", {
    default: 3,
    min: 1,
  }),
  unhealthy_interval: duration("pause length", { default: 3_600_000, min: 1, env: null }),
  job_status_final_update_retry_limit: int("tries for the last job-status PUT", {
    default: 10,
    min: 1,
    env: "RUNNER_job_status_final_update_retry_limit",
  }),
  experimental: optionalTable("unstable settings of one runner", () => ({
    boot_verify: table("synthetic job at start gating readiness", {
      enabled: bool("run the canary"),
      timeout: duration("canary deadline", { default: 300_000 }),
      acquire_min_backoff: duration("lower bound between executor-acquire retries", {
        default: 1_000,
      }),
      acquire_max_backoff: duration("upper bound", { default: 10_000 }),
    }),
  })),
  url: text("address of the GitLab instance; $NAME is taken from the environment", {
    flag: ["-u", "--url"],
    env: "CI_SERVER_URL",
  }),
  id: int("server-side runner id (written by register)", { flag: null }),
  token: secret("runner authentication token; $NAME is taken from the environment", {
    flag: ["-t", "--token"],
    env: "CI_SERVER_TOKEN",
  }),
  token_obtained_at: datetime("issue time, used for rotation", { flag: null }),
  token_expires_at: datetime("expiry, used for rotation", { flag: null }),
  "tls-ca-file": text("PEM file with the authorities that vouch for GitLab", {
    env: "CI_SERVER_TLS_CA_FILE",
  }),
  "tls-cert-file": text("client certificate", { env: "CI_SERVER_TLS_CERT_FILE" }),
  "tls-key-file": text("client key", { env: "CI_SERVER_TLS_KEY_FILE" }),
  labels: labels("per-runner labels; win over global ones"),
  executor: text("where jobs run: shell, docker, ssh, custom or the name of a plugin"),
  builds_dir: text("directory for checkouts, in the place where jobs run"),
  cache_dir: text("directory for caches, in the place where jobs run"),
  clone_url: text("replaces scheme+host used for git", { env: "CLONE_URL" }),
  environment: strings("KEY=value for every job; variables of the job itself win", {
    flag: "--env",
    env: "RUNNER_ENV",
    sensitive: true,
  }),
  proxy_exec: bool("experimental: run commands through helper proxy binary"),
  pre_get_sources_script: text(
    "commands before repo update (old name pre_clone_script, removed 17.0)",
    { sensitive: true },
  ),
  post_get_sources_script: text("commands after repo and submodules update", { sensitive: true }),
  pre_build_script: text("commands in the step_script stage before user script", {
    sensitive: true,
  }),
  post_build_script: text("commands after user script, same shell, before after_script", {
    sensitive: true,
  }),
  prepare_timeout: optionalDuration("cap on the prepare stage"),
  get_sources_timeout: optionalDuration("cap on get_sources"),
  debug_trace_disabled: bool("ignore CI_DEBUG_TRACE"),
  safe_directory_checkout: optionalBool("add git safe.directory for the project"),
  clean_git_config: optionalBool("remove git config/hooks before and after the job"),
  shell: text("shell of the jobs' scripts: bash, sh, pwsh or powershell"),
  custom_build_dir: table("whether GIT_CLONE_PATH may be used", {
    enabled: optionalBool("permit GIT_CLONE_PATH"),
  }, { flags: true }),
  referees: optionalTable("collectors of evidence about a job", () => ({
    metrics: table("Prometheus referee, uploads metrics_referee artifact", {
      prometheus_address: text("Prometheus host:port"),
      query_interval: int("resolution in seconds"),
      queries: strings("list of name:query; {selector} is substituted"),
    }),
  })),
  cache: table("distributed cache", cacheKeys, { flags: true }),
  artifact: table("time limits of artifact uploads", {
    upload_timeout: duration("total upload time", { default: 3_600_000 }),
    response_header_timeout: duration("wait for response headers", { default: 600_000 }),
  }),
  feature_flags: mapOfBool("FF_NAME:true or FF_NAME:false; wins over a variable of the job", {
    env: "FEATURE_FLAGS",
  }),
  monitoring: optionalTable("queue monitoring, experimental", () => ({
    job_queuing_durations: tables("list of thresholds; last active wins", {
      periods: strings("crontab-style windows"),
      timezone: text("zone of periods"),
      threshold: duration("accepted queue time"),
      jobs_running_for_project: text("regex on the count sent by GitLab"),
    }),
  })),
  use_slot_cgroups: bool("derive cgroup per taskscaler slot"),
  slot_cgroup_template: text("cgroup name pattern", { default: "gitlab-runner/slot-${slot}" }),
  instance: optionalTable("instance executor", () => instanceKeys),
  ssh: optionalTable("connection of the ssh, virtualbox and parallels executors", () => sshKeys, {
    flags: true,
  }),
  docker: optionalTable("docker family", () => dockerKeys, { flags: true }),
  parallels: optionalTable("Parallels Desktop", () => parallelsKeys, { flags: true }),
  virtualbox: optionalTable("VirtualBox", () => virtualboxKeys, { flags: true }),
  machine: optionalTable("docker-machine autoscaling, deprecated", () => machineKeys, {
    flags: true,
  }),
  kubernetes: optionalTable("Kubernetes executor", () => kubernetesKeys, { flags: true }),
  custom: optionalTable("custom executor", () => customKeys, { flags: true }),
  plugin: optionalTable("executor served by a plugin (not in GitLab Runner)", () => pluginKeys),
  autoscaler: optionalTable("autoscaling by fleeting plugins", () => autoscalerKeys),
  step_runner_image: text("step-runner binary image", { env: "STEP_RUNNER_IMAGE" }),
};
