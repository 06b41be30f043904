/** `[runners.kubernetes]`. */

import {
  bool,
  duration,
  int,
  map,
  mapOfInt,
  optionalBool,
  optionalInt,
  optionalText,
  secret,
  stringOrStrings,
  strings,
  text,
} from "../keys.ts";
import { optionalTable, tables } from "../tables.ts";
import { policyKeys } from "./autoscaler.ts";
import { affinityKeys } from "./kubernetes_affinity.ts";
import { lifecycleKeys } from "./kubernetes_lifecycle.ts";
import { resourceKeys } from "./kubernetes_resources.ts";
import { containerSecurityContext, podSecurityContextKeys } from "./kubernetes_security.ts";
import { volumeKeys } from "./kubernetes_volumes.ts";
import { serviceTables } from "./services.ts";

export const kubernetesKeys = {
  host: text("API URL; empty → in-cluster then kubeconfig"),
  context: text("kubeconfig context when host is empty", { env: "KUBECTL_CONTEXT" }),
  cert_file: text("client cert"),
  key_file: text("client key"),
  ca_file: text("CA"),
  bearer_token_overwrite_allowed: bool("jobs may set KUBERNETES_BEARER_TOKEN", {
    flag: "--kubernetes-bearer_token_overwrite_allowed",
  }),
  bearer_token: secret("API token", { flag: "--kubernetes-bearer_token" }),
  image: text("fallback job image"),
  namespace: text("pod namespace", { default: "default" }),
  namespace_overwrite_allowed: text("regex for job namespace", {
    flag: "--kubernetes-namespace_overwrite_allowed",
  }),
  namespace_per_job: bool("create and delete namespace ci-job-<id>", {
    flag: "--kubernetes-namespace_per_job",
  }),
  privileged: optionalBool("privileged containers"),
  runtime_class_name: text("RuntimeClass"),
  allow_privilege_escalation: optionalBool("allowPrivilegeEscalation for all containers"),
  ...resourceKeys("", ["cpu", "memory", "ephemeral_storage"], "build container"),
  ...resourceKeys("service_", ["cpu", "memory", "ephemeral_storage"], "each service container"),
  ...resourceKeys("helper_", ["cpu", "memory", "ephemeral_storage"], "helper container"),
  ...resourceKeys("pod_", ["cpu", "memory"], "whole pod"),
  allowed_images: strings("globs"),
  allowed_pull_policies: strings("policies jobs may set"),
  allowed_services: strings("globs"),
  allowed_users: strings("UIDs jobs may ask for; 0 must be listed"),
  allowed_groups: strings("GIDs"),
  pull_policy: stringOrStrings("policy or ordered list"),
  node_selector: map("node labels required"),
  node_selector_overwrite_allowed: text("regex for KUBERNETES_NODE_SELECTOR_*", {
    flag: "--kubernetes-node_selector_overwrite_allowed",
  }),
  node_tolerations: map("key[=value] → effect"),
  node_tolerations_overwrite_allowed: text("regex for KUBERNETES_NODE_TOLERATIONS_*", {
    flag: "--kubernetes-node_tolerations_overwrite_allowed",
  }),
  affinity: optionalTable("scheduling affinity", () => affinityKeys),
  image_pull_secrets: strings("secret names"),
  use_service_account_image_pull_secrets: bool("leave pull secrets to the service account"),
  helper_image: text("override helper image"),
  helper_image_flavor: text("as docker", { default: "alpine" }),
  helper_image_autoset_arch_and_os: bool("take arch/OS from runner host"),
  pod_termination_grace_period_seconds: optionalInt("pod spec grace period", {
    flag: "--kubernetes-pod_termination_grace_period_seconds",
  }),
  cleanup_grace_period_seconds: optionalInt("grace period of the delete call", {
    flag: "--kubernetes-cleanup_grace_period_seconds",
  }),
  cleanup_resources_timeout: duration("time budget of cleanup", {
    default: 300_000,
    min: 1,
    flag: "--kubernetes-cleanup_resources_timeout",
  }),
  poll_interval: int("seconds between pod status polls", { default: 3, min: 1 }),
  poll_timeout: int("seconds to reach running", { default: 180, min: 1 }),
  resource_availability_check_max_attempts: int(
    "5 s apart checks of service account/secrets; ≤0 disables",
    { default: 5, zero: true },
  ),
  retry_limit: int("API call tries", { default: 5, min: 1, env: "KUBERNETES_REQUEST_RETRY_LIMIT" }),
  retry_backoff_max: int("ms; lower bound 500", {
    default: 2000,
    min: 1,
    env: "KUBERNETES_REQUEST_RETRY_BACKOFF_MAX",
  }),
  retry_limits: mapOfInt("error substring → tries"),
  pod_labels: map("labels, values expanded", { env: null }),
  pod_labels_overwrite_allowed: text("regex for KUBERNETES_POD_LABELS_*", {
    flag: "--kubernetes-pod_labels_overwrite_allowed",
  }),
  scheduler_name: text("scheduler"),
  service_account: text("pod service account"),
  service_account_overwrite_allowed: text("regex for KUBERNETES_SERVICE_ACCOUNT_OVERWRITE", {
    flag: "--kubernetes-service_account_overwrite_allowed",
  }),
  automount_service_account_token: optionalBool("mount the token"),
  pod_annotations: map("annotations, values expanded", { env: null }),
  pod_annotations_overwrite_allowed: text("regex for KUBERNETES_POD_ANNOTATIONS_*", {
    flag: "--kubernetes-pod_annotations_overwrite_allowed",
  }),
  pod_security_context: optionalTable(
    "security context of the pod",
    () => podSecurityContextKeys,
    { flags: "pod-security-context" },
  ),
  init_permissions_container_security_context: containerSecurityContext,
  build_container_security_context: containerSecurityContext,
  helper_container_security_context: containerSecurityContext,
  service_container_security_context: containerSecurityContext,
  volumes: optionalTable("volumes beside those of the job itself", () => volumeKeys),
  host_aliases: tables("tables of ip + hostnames; CLI form takes JSON/YAML", {
    ip: text("address"),
    hostnames: strings("names"),
  }, { names: { flag: "--kubernetes-host_aliases", env: null } }),
  services: serviceTables,
  cap_add: strings("added capabilities"),
  cap_drop: strings("dropped capabilities"),
  suspend_pvc_size: text("claim size for suspendable jobs", { default: "20Gi" }),
  suspend_pvc_storage_class: text("storage class for them"),
  dns_policy: text("none, default, cluster-first, cluster-first-with-host-net", {
    default: "cluster-first",
  }),
  dns_config: optionalTable("pod DNS", () => ({
    nameservers: strings("IPs"),
    options: tables("resolver options", {
      name: text("option"),
      value: optionalText("value"),
    }),
    searches: strings("domains"),
  })),
  container_lifecycle: optionalTable("hooks of the build container", () => lifecycleKeys),
  priority_class_name: text("PriorityClass", { flag: "--kubernetes-priority_class_name" }),
  pod_spec: tables("patches on generated pod spec (FF_USE_ADVANCED_POD_SPEC_CONFIGURATION)", {
    name: text("label in logs"),
    patch_path: text("file (exclusive with patch)"),
    patch: text("inline JSON or YAML"),
    patch_type: text("json, merge, strategic", { default: "strategic" }),
  }),
  logs_base_dir: text("prefix of logs-<project>-<job>"),
  scripts_base_dir: text("prefix of scripts-<project>-<job>"),
  print_pod_warning_events: bool("print warning events when the job fails", { default: true }),
  pod_disruption_budget: bool("create a PDB per job pod"),
  autoscaler: optionalTable("pause-pod warm capacity", () => ({
    max_pause_pods: int("cap"),
    pause_pod_image: text("image", { default: "registry.k8s.io/pause:3.10" }),
    pause_pod_priority_class_name: text("lower-priority class"),
    policy: tables("pause pods by time; the last match wins", policyKeys),
    pause_pod_image_pull_secrets: strings("secrets"),
  })),
};
