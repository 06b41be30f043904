/** What of a configuration and a job reaches the engine, key by key, and at every API version. */

import { describe, expect, test } from "bun:test";
import { dockerKeys } from "../../../core/config/schema/docker.ts";
import { connectEngine, type Labels } from "../../../executors/docker/engine/mod.ts";
import { type Given, prepared } from "./prepared.ts";
import { RecordingEngine } from "./recording_engine.ts";

const NEVER = new AbortController().signal;

const TYPES = ["build", "predefined", "service"] as const;

/** The fields of one request by their paths, with what is random taken out. */
function fields(value: unknown, path = ""): readonly (readonly [string, string])[] {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    // A volume's labels are its own matter.
    const text = JSON.stringify(value, (name, inner) => name === "Labels" ? undefined : inner) ??
      "";
    const fixed = text.replaceAll(/[0-9a-f]{16}(?![0-9a-f])/g, "<key>")
      .replaceAll(/"\d{12}(?=:)/g, '"<id>')
      .replaceAll(/create-requests-\w+/g, "<directory>");
    return [[path, fixed]];
  }
  return Object.entries(value).flatMap(([name, inner]) =>
    fields(inner, path === "" ? name : `${path}.${name}`)
  );
}

/** What of the three containers is other than without the key: `type field: value`. */
function changes(engine: RecordingEngine, plain: RecordingEngine): readonly string[] {
  return TYPES.flatMap((type) => {
    const before = new Map(fields(plain.created(type)));
    return fields(engine.created(type)).flatMap(([path, value]) =>
      before.get(path) === value ? [] : [`${type} ${path}: ${value}`]
    );
  });
}

/** Keys that reach `POST /containers/create`, each with a value and what becomes of it there. */
const KEYS: Readonly<Record<string, readonly [value: unknown, ...expected: string[]]>> = {
  cap_add: [["NET_ADMIN"], ...onJob('HostConfig.CapAdd: ["NET_ADMIN"]')],
  cap_drop: [["ALL"], ...onJob('HostConfig.CapDrop: ["ALL"]')],
  cgroup_parent: ["ci", ...onJob('HostConfig.CgroupParent: "ci"')],
  container_labels: [
    { team: "t-$TEAM" },
    ...onAll('Labels.team: "t-a"'),
    'service Labels.com.gitlab.gitlab-runner.team: "t-a"',
  ],
  cpu_shares: [512, ...onJob("HostConfig.CpuShares: 512")],
  cpus: ["1.5", ...onJob("HostConfig.NanoCpus: 1500000000")],
  cpuset_cpus: ["0,1", ...onJob('HostConfig.CpusetCpus: "0,1"')],
  cpuset_mems: ["0", ...onJob('HostConfig.CpusetMems: "0"')],
  device_cgroup_rules: [["c 1:3 r"], ...onJob('HostConfig.DeviceCgroupRules: ["c 1:3 r"]')],
  devices: [
    ["/dev/a:/dev/b:r"],
    'build HostConfig.Devices: [{"PathOnHost":"/dev/a","PathInContainer":"/dev/b",' +
    '"CgroupPermissions":"r"}]',
  ],
  dns: [["8.8.8.8"], ...onAll('HostConfig.Dns: ["8.8.8.8"]')],
  dns_search: [["example.com"], ...onAll('HostConfig.DnsSearch: ["example.com"]')],
  extra_hosts: [["db:10.0.0.1"], ...onAll('HostConfig.ExtraHosts: ["db:10.0.0.1"]')],
  gpus: [
    "all",
    'build HostConfig.DeviceRequests: [{"Driver":"","Count":-1,"DeviceIDs":[],' +
    '"Capabilities":[["gpu"]],"Options":{}}]',
  ],
  group_add: [["docker"], ...onJob('HostConfig.GroupAdd: ["docker"]')],
  hostname: ["box", ...onJob('Hostname: "box"')],
  ipcmode: ["private", ...onJob('HostConfig.IpcMode: "private"')],
  isolation: ["hyperv", ...onAll('HostConfig.Isolation: "hyperv"')],
  links: [["db:db"], ...onJob('HostConfig.Links: ["db:db"]')],
  log_options: [{ env: "A" }, ...onAll('HostConfig.LogConfig.Config.env: "A"')],
  mac_address: ["92:d0:c6:0a:29:33", 'build MacAddress: "92:d0:c6:0a:29:33"'],
  memory: ["1g", ...onJob("HostConfig.Memory: 1073741824")],
  memory_reservation: ["1g", ...onJob("HostConfig.MemoryReservation: 1073741824")],
  memory_swap: ["1g", ...onJob("HostConfig.MemorySwap: 1073741824")],
  network_mode: [
    "host",
    ...["build", "predefined"].flatMap((type) => [
      `${type} HostConfig.NetworkMode: "host"`,
      `${type} HostConfig.ExtraHosts: ["redis:127.0.0.1","<id>:127.0.0.1"]`,
    ]),
    'service HostConfig.NetworkMode: "host"',
  ],
  oom_kill_disable: [true, ...onJob("HostConfig.OomKillDisable: true")],
  oom_score_adjust: [100, ...onJob("HostConfig.OomScoreAdj: 100")],
  pid_mode: ["host", 'build HostConfig.PidMode: "host"'],
  privileged: [true, ...on(["build", "service"], "HostConfig.Privileged: true")],
  runtime: ["runsc", ...onAll('HostConfig.Runtime: "runsc"')],
  security_opt: [
    ["no-new-privileges"],
    ...onJob('HostConfig.SecurityOpt: ["no-new-privileges"]'),
  ],
  service_cgroup_parent: ["ci", 'service HostConfig.CgroupParent: "ci"'],
  service_cpu_shares: [5, "service HostConfig.CpuShares: 5"],
  service_cpus: ["0.5", "service HostConfig.NanoCpus: 500000000"],
  service_cpuset_cpus: ["1", 'service HostConfig.CpusetCpus: "1"'],
  service_gpus: [
    "all",
    'service HostConfig.DeviceRequests: [{"Driver":"","Count":-1,"DeviceIDs":[],' +
    '"Capabilities":[["gpu"]],"Options":{}}]',
  ],
  service_memory: ["1g", "service HostConfig.Memory: 1073741824"],
  service_memory_reservation: ["1g", "service HostConfig.MemoryReservation: 1073741824"],
  service_memory_swap: ["1g", "service HostConfig.MemorySwap: 1073741824"],
  services_devices: [
    { "redis:*": ["/dev/c"] },
    'service HostConfig.Devices: [{"PathOnHost":"/dev/c","PathInContainer":"/dev/c",' +
    '"CgroupPermissions":"rwm"}]',
  ],
  services_privileged: [true, "service HostConfig.Privileged: true"],
  services_security_opt: [["label=disable"], 'service HostConfig.SecurityOpt: ["label=disable"]'],
  services_tmpfs: [{ "/data": "rw" }, 'service HostConfig.Tmpfs./data: "rw"'],
  shm_size: [300_000, ...onAll("HostConfig.ShmSize: 300000")],
  sysctls: [{ "net.a": "1" }, ...onJob('HostConfig.Sysctls.net.a: "1"')],
  tmpfs: [{ "/run": "rw" }, ...onJob('HostConfig.Tmpfs./run: "rw"')],
  ulimit: [
    { nofile: "1:2" },
    ...onJob('HostConfig.Ulimits: [{"Name":"nofile","Soft":1,"Hard":2}]'),
  ],
  user: ["1000:1000", 'build User: "1000:1000"'],
  userns_mode: ["host", ...onAll('HostConfig.UsernsMode: "host"')],
  volumes_from: [["data:ro"], ...onJob('HostConfig.VolumesFrom: ["data:ro"]')],
};

/** Keys that act elsewhere, and where they are tested. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  allowed_images: "images/allow_list_test.ts",
  allowed_privileged_images: "below",
  allowed_privileged_services: "below",
  allowed_pull_policies: "images/pull_policy_test.ts",
  allowed_services: "images/allow_list_test.ts",
  allowed_users: "job_facts_test.ts",
  cache_dir: "job_facts_test.ts",
  disable_cache: "job_facts_test.ts",
  disable_entrypoint_overwrite: "below",
  enable_ipv6: "below",
  helper_image: "e2e/docker_helper_image_test.ts",
  helper_image_flavor: "e2e/docker_helper_image_test.ts",
  host: "engine/endpoint_test.ts",
  image: "job_facts_test.ts",
  network_mtu: "below",
  pull_policy: "images/image_store_test.ts",
  service_slot_cgroup_template: "without slots of an autoscaler it has nothing to name",
  services: "below",
  services_limit: "job_facts_test.ts",
  tls_cert_path: "engine/endpoint_test.ts",
  tls_verify: "engine/endpoint_test.ts",
  volume_driver: "below",
  volume_driver_ops: "below",
  volume_keep: "job_facts_test.ts",
  volumes: "job_facts_test.ts",
  wait_for_services_timeout: "services",
};

function on(types: readonly string[], field: string): readonly string[] {
  return types.map((type) => `${type} ${field}`);
}

function onAll(field: string): readonly string[] {
  return on(TYPES, field);
}

/** The containers that are the job's own. */
function onJob(field: string): readonly string[] {
  return on(["build", "predefined"], field);
}

describe("[runners.docker]", () => {
  test("every key is accounted for", () => {
    const known = [...Object.keys(KEYS), ...Object.keys(ELSEWHERE)].sort();
    expect(known).toEqual(Object.keys(dockerKeys).sort());
  });

  const plain = prepared();
  test.each(Object.entries(KEYS))("%s", async (key, [value, ...expected]) => {
    const engine = await prepared({ docker: { [key]: value } });
    expect(changes(engine, await plain)).toEqual(expected);
  });

  test("volume_driver and its options make the job's volumes", async () => {
    const engine = await prepared({
      docker: { volume_driver: "nfs", volume_driver_ops: { share: "a" } },
    });
    const made = engine.calls.filter(({ url, body }) =>
      url.endsWith("/volumes/create") && !String(body["Name"]).startsWith("runner-helper-")
    );
    expect(made).toHaveLength(1);
    expect(made[0]?.body).toMatchObject({ Driver: "nfs", DriverOpts: { share: "a" } });
    expect(engine.created("build")).toMatchObject({ HostConfig: { VolumeDriver: "nfs" } });
  });

  test("enable_ipv6 and network_mtu shape the job's own network", async () => {
    const engine = await prepared({
      flags: { FF_NETWORK_PER_BUILD: true },
      docker: { enable_ipv6: true, network_mtu: 1400 },
    });
    const made = engine.calls.find(({ url }) => url.endsWith("/networks/create"));
    expect(made?.body).toMatchObject({
      EnableIPv6: true,
      Options: { "com.docker.network.driver.mtu": "1400" },
    });
    const name = String(made?.body["Name"]);
    expect(engine.created("build")).toMatchObject({
      HostConfig: { NetworkMode: name },
      NetworkingConfig: { EndpointsConfig: { [name]: { Aliases: ["build"] } } },
    });
  });

  test("privileges are for the images that are allowed them", async () => {
    const engine = await prepared({
      docker: {
        privileged: true,
        allowed_privileged_images: ["alpine:*"],
        allowed_privileged_services: ["redis:*"],
      },
    });
    expect(engine.created("build")).not.toHaveProperty("HostConfig.Privileged");
    expect(engine.created("service")).toMatchObject({ HostConfig: { Privileged: true } });
    expect(engine.created("predefined")).not.toHaveProperty("HostConfig.Privileged");
  });

  test("FF_USE_INIT_WITH_DOCKER_EXECUTOR is for those that run what users wrote", async () => {
    const engine = await prepared({ flags: { FF_USE_INIT_WITH_DOCKER_EXECUTOR: true } });
    for (const type of ["build", "service"]) {
      expect(engine.created(type)).toHaveProperty("HostConfig.Init", true);
    }
    expect(engine.created("predefined")).not.toHaveProperty("HostConfig.Init");
  });

  test("disable_entrypoint_overwrite holds for services too", async () => {
    const services = [{ name: "redis:7", entrypoint: ["/mine"], command: ["run"] }];
    const entrypoint = async (docker: Record<string, unknown>) =>
      (await prepared({ docker, job: { services } })).created("service")["Entrypoint"];
    expect(await entrypoint({})).toEqual(["/mine"]);
    expect(await entrypoint({ disable_entrypoint_overwrite: true })).toBeUndefined();
  });
});

describe("a job's image", () => {
  const ofJob = (image: object, more: Given = {}) =>
    prepared({ ...more, job: { image: { name: "debian:12", ...image } } });

  test("has the user and the platform that the job asks for", async () => {
    const docker = { user: "app", platform: "linux/arm64" };
    const engine = await ofJob({ executor_opts: { docker } }, { architecture: "arm64" });
    expect(engine.created("build")).toMatchObject({ User: "app" });
    const made = engine.calls.filter(({ url }) => url.includes("/containers/create"));
    const platforms = made.filter(({ url }) => url.includes("platform=linux%2Farm64"));
    expect(platforms.map(({ url }) => url.includes("-build&"))).toEqual([true]);
  });

  test("has its own entrypoint, the job's, or none", async () => {
    const image = { Entrypoint: ["/own"] };
    const entrypoint = async (given: object, more: Given = {}) =>
      (await ofJob(given, { image, ...more })).created("build")["Entrypoint"];
    const keeper = expect.arrayContaining(["sh", "-c"]);
    expect(await entrypoint({})).toEqual(["/own"]);
    expect(await entrypoint({ entrypoint: ["/jobs", "-x"] })).toEqual(["/jobs", "-x"]);
    expect(await entrypoint({ entrypoint: [""] })).toEqual(keeper);
    expect(await entrypoint({}, { image: { Entrypoint: [""] } })).toEqual(keeper);
    expect(
      await entrypoint({ entrypoint: [""] }, { docker: { disable_entrypoint_overwrite: true } }),
    ).toEqual(["/own"]);
  });
});

describe("names and labels", () => {
  test("are GitLab Runner's", async () => {
    const engine = await prepared({
      job: {
        variables: [
          { key: "CI_JOB_URL", value: "https://gitlab.example.com/-/jobs/5" },
          { key: "CI_PIPELINE_ID", value: "44" },
        ],
      },
    });
    const names = engine.calls.filter(({ url }) => url.includes("/containers/create"))
      .map(({ url }) => new URL(url, "http://x").searchParams.get("name") ?? "")
      .filter((name) => !name.endsWith("-fill")).sort();
    const base = /^runner-abcdefghi-project-7-concurrent-3-[0-9a-f]{16}-/;
    expect(names.map((name) => name.replace(base, ""))).toEqual([
      "build",
      "predefined",
      "redis-0",
    ]);
    const prefix = "com.gitlab.gitlab-runner";
    expect(engine.created("build")["Labels"]).toMatchObject({
      [`${prefix}.job.id`]: "5",
      [`${prefix}.job.url`]: "https://gitlab.example.com/-/jobs/5",
      [`${prefix}.job.sha`]: "abc",
      [`${prefix}.job.before_sha`]: "",
      [`${prefix}.job.ref`]: "main",
      [`${prefix}.job.timeout`]: "2h0m0s",
      [`${prefix}.project.id`]: "7",
      [`${prefix}.project.runner_id`]: "3",
      [`${prefix}.pipeline.id`]: "44",
      [`${prefix}.runner.id`]: "abcdefghi",
      [`${prefix}.runner.local_id`]: "2",
      [`${prefix}.runner.system_id`]: "s_1",
      [`${prefix}.managed`]: "true",
      [`${prefix}.type`]: "build",
    });
    expect(engine.created("service")["Labels"]).toMatchObject({
      [`${prefix}.type`]: "service",
      [`${prefix}.service`]: "redis",
      [`${prefix}.service.version`]: "7",
    });
    for (const type of ["build", "predefined"]) {
      const { Hostname } = engine.created(type);
      expect(Hostname).toBe("runner-abcdefghi-project-7-concurrent-3");
    }
  });

  test("a service is known by its tag, by its digest, or as the latest", async () => {
    const digest = `@sha256:${"1".repeat(64)}`;
    const labelsOf = async (name: string) => {
      const { Labels } = (await prepared({ job: { services: [{ name }] } })).created("service");
      const prefix = "com.gitlab.gitlab-runner.service";
      const { [prefix]: service, [`${prefix}.version`]: version } = Labels as Labels;
      return [service, version];
    };
    expect(await labelsOf("redis")).toEqual(["redis", "latest"]);
    expect(await labelsOf(`redis${digest}`)).toEqual(["redis", digest]);
    expect(await labelsOf(`reg.example.com:5000/a/b:1${digest}`)).toEqual([
      "reg.example.com/a/b",
      "1",
    ]);
  });
});

describe("API versions", () => {
  const versions = (engine: RecordingEngine) => [
    ...new Set(engine.calls.map(({ url }) => /^\/v([\d.]+)\//.exec(url)?.[1] ?? url)),
  ];
  const mac = "92:d0:c6:0a:29:33";

  test.each([["1.25", "1.25"], ["1.41", "1.41"], ["1.43", "1.43"], ["1.52", "1.47"]])(
    "an engine of %s is spoken to in %s",
    async (apiVersion, spoken) => {
      expect(versions(await prepared({ apiVersion }))).toEqual(["/_ping", spoken]);
    },
  );

  test("DOCKER_API_VERSION is spoken without asking", async () => {
    const env = { DOCKER_API_VERSION: "1.30" };
    expect(versions(await prepared({ apiVersion: "1.41", env }))).toEqual(["1.30"]);
  });

  test("an engine older than 1.25 is refused with what to do", async () => {
    await using old = new RecordingEngine({ apiVersion: "1.24" });
    await using engine = connectEngine({ host: old.host, env: {} });
    await expect(engine.info({ signal: NEVER })).rejects.toThrow(
      "speaks API version 1.24; 1.25 or later is needed (Docker 1.13)",
    );
  });

  test("from 1.44 on a MAC address is a network's, and no field is sent that is gone", async () => {
    const docker = { mac_address: mac };
    const old = (await prepared({ apiVersion: "1.43", docker })).created("build");
    expect(old).toMatchObject({ MacAddress: mac });
    const engine = await prepared({ apiVersion: "1.44", docker });
    expect(engine.created("build")).toMatchObject({
      NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: mac } } },
    });
    for (const type of TYPES) {
      const names = fields(engine.created(type)).map(([path]) => path);
      expect(names).not.toContain("MacAddress");
      expect(names.filter((name) => /KernelMemory/.test(name))).toEqual([]);
    }
  });
});
