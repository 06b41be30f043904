import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { configTable, documentedKeys, runnerFlags } from "../../../core/config/schema.ts";

/** Every key of GitLab Runner 19.4 with type, flags and variable, where it lies beside the clone. */
const REFERENCE = `${import.meta.dir}/../../../../shared/reference/config-keys.tsv`;

interface Row {
  readonly key: string;
  readonly type: string;
  readonly flags: readonly string[];
  readonly env: string | undefined;
}

/** A part of the reference that is always compared: one of each kind of name. */
const PINNED: readonly Row[] = [
  row("concurrent", "int", "", ""),
  row("session_server.session_timeout", "int", "", ""),
  row("connection_max_age", "duration?", "", ""),
  row("runners[].name", "string", "--name, --description", "RUNNER_NAME"),
  row("runners[].limit", "int", "--limit", "RUNNER_LIMIT"),
  row("runners[].url", "string", "-u, --url", "CI_SERVER_URL"),
  row("runners[].token", "string", "-t, --token", "CI_SERVER_TOKEN"),
  row("runners[].id", "int", "", ""),
  row("runners[].tls-ca-file", "string", "--tls-ca-file", "CI_SERVER_TLS_CA_FILE"),
  row("runners[].environment", "strings", "--env", "RUNNER_ENV"),
  row("runners[].unhealthy_interval", "duration?", "--unhealthy-interval", ""),
  row("runners[].token_expires_at", "datetime", "", ""),
  row("runners[].feature_flags", "map of bool", "--feature-flags", "FEATURE_FLAGS"),
  row(
    "runners[].custom_build_dir.enabled",
    "bool?",
    "--custom_build_dir-enabled",
    "CUSTOM_BUILD_DIR_ENABLED",
  ),
  row(
    "runners[].cache.s3.ServerSideEncryptionKeyID",
    "string",
    "--cache-s3-server-side-encryption-key-id",
    "CACHE_S3_SERVER_SIDE_ENCRYPTION_KEY_ID",
  ),
  row("runners[].docker.tls_verify", "bool", "--docker-tlsverify", "DOCKER_TLS_VERIFY"),
  row(
    "runners[].docker.pull_policy",
    "string or strings",
    "--docker-pull-policy",
    "DOCKER_PULL_POLICY",
  ),
  row("runners[].docker.services[].name", "string", "", ""),
  row("runners[].machine.IdleCount", "int", "--machine-idle-nodes", "MACHINE_IDLE_COUNT"),
  row("runners[].custom.run_args", "strings", "--custom-run-args", ""),
  row(
    "runners[].kubernetes.service_ephemeral_storage_limit_overwrite_max_allowed",
    "string",
    "--kubernetes-service-ephemeral_storage-limit-overwrite-max-allowed",
    "KUBERNETES_SERVICE_EPHEMERAL_STORAGE_LIMIT_OVERWRITE_MAX_ALLOWED",
  ),
  row(
    "runners[].kubernetes.pod_security_context.seccomp_profile.type",
    "string",
    "--kubernetes-pod-security-context-seccomp_profile-type",
    "KUBERNETES_POD_SECURITY_CONTEXT_SECCOMP_PROFILE_TYPE",
  ),
  row(
    "runners[].kubernetes.build_container_security_context.capabilities.drop",
    "strings",
    "--kubernetes-build_container_security_context-capabilities-drop",
    "KUBERNETES_BUILD_CONTAINER_SECURITY_CONTEXT_CAPABILITIES_DROP",
  ),
  row("runners[].kubernetes.host_aliases", "array of tables", "--kubernetes-host_aliases", ""),
  row("runners[].kubernetes.host_aliases[].ip", "string", "", ""),
  row("runners[].autoscaler.plugin_config", "free table", "", ""),
];

/** Tables that GitLab Runner does not have. */
const OWN = /^runners\[\]\.plugin(?:\.|$)/;

describe("schema", () => {
  test("has the pinned keys with their types, flags and variables", () => {
    const ours = new Map(schemaRows().map((entry) => [entry.key, entry]));
    for (const wanted of PINNED) expect(ours.get(wanted.key)).toEqual(wanted);
  });

  test.skipIf(!existsSync(REFERENCE))("equals the reference, key by key", () => {
    const reference = referenceRows();
    expect(reference).toHaveLength(744);
    const byKey = (a: Row, b: Row) => (a.key < b.key ? -1 : 1);
    const theirs = schemaRows().filter(({ key }) => !OWN.test(key));
    expect(theirs.sort(byKey)).toEqual(reference.sort(byKey));
  });

  test("gives every flag and variable to one key only", () => {
    const flags = runnerFlags().flatMap((flag) => flag.flags);
    const variables = runnerFlags().flatMap((flag) => flag.env ?? []);
    expect(new Set(flags).size).toBe(flags.length);
    expect(new Set(variables).size).toBe(variables.length);
  });

  test("describes every flag", () => {
    const silent = runnerFlags().filter((flag) => flag.description === "");
    expect(silent).toEqual([]);
  });

  test("builds every section's schema and reads an empty file into defaults", () => {
    for (const { key } of documentedKeys()) key.schema();
    const config = configTable.schema().parse({ runners: [{}] });
    expect(config.concurrent).toBe(1);
    expect(config.check_interval).toBe(3);
    expect(config.shutdown_timeout).toBe(30);
    expect(config.session_server.session_timeout).toBe(1800);
    expect(config.connection_max_age).toBe(900_000);
    const [runner] = config.runners;
    expect(runner?.output_limit).toBe(4096);
    expect(runner?.unhealthy_interval).toBe(3_600_000);
    expect(runner?.cache.s3.DualStack).toBe(true);
    expect(runner?.cache.s3.SecretKey.isEmpty).toBe(true);
    expect(runner?.docker).toBeUndefined();
    expect(runner?.prepare_timeout).toBeUndefined();
  });

  test("reads an empty executor table into that executor's defaults", () => {
    const config = configTable.schema().parse({ runners: [{ docker: {}, kubernetes: {} }] });
    const [runner] = config.runners;
    expect(runner?.docker?.pull_policy).toEqual(["always"]);
    expect(runner?.docker?.wait_for_services_timeout).toBe(30);
    expect(runner?.kubernetes?.namespace).toBe("default");
    expect(runner?.kubernetes?.poll_timeout).toBe(180);
    expect(runner?.kubernetes?.affinity).toBeUndefined();
  });
});

function schemaRows(): Row[] {
  const flags = new Map(runnerFlags().map((flag) => [`runners[].${flag.path.join(".")}`, flag]));
  return documentedKeys().map(({ name, key }) => ({
    key: name,
    type: key.type,
    flags: flags.get(name)?.flags ?? [],
    env: flags.get(name)?.env,
  }));
}

function referenceRows(): Row[] {
  const [, ...lines] = readFileSync(REFERENCE, "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [key = "", type = "", flags = "", env = ""] = line.split("\t");
    return row(key, type, flags, env);
  });
}

/** A row of the reference; its `?` (unset differs from zero) shows in our types, not in our data. */
function row(key: string, type: string, flags: string, env: string): Row {
  return {
    key,
    type: type.replace("?", ""),
    flags: flags === "" ? [] : flags.split(", "),
    env: env === "" ? undefined : env,
  };
}
