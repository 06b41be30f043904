import { describe, expect, test } from "bun:test";
import type { DockerConfig } from "../../../core/config/schema.ts";
import {
  type BuildContainer,
  buildContainerSpec,
  helperContainerSpec,
  serviceContainerSpec,
} from "../../../executors/docker/container_spec.ts";
import { testConfig } from "../../conformance/executor_suite.ts";

function docker(values: Readonly<Record<string, unknown>>): DockerConfig {
  const found = testConfig({ executor: "docker", docker: { image: "debian", ...values } }).docker;
  if (found === undefined) throw new Error("no docker section");
  return found;
}

function build(values: Readonly<Record<string, unknown>>, more: Partial<BuildContainer> = {}) {
  return buildContainerSpec({
    docker: docker(values),
    image: "sha256:1",
    labels: {},
    env: [],
    mounts: [],
    binds: [],
    network: "",
    aliases: ["build"],
    extraHosts: [],
    init: false,
    securityOptions: [],
    hostname: "host",
    entrypoint: undefined,
    command: ["sh"],
    user: "",
    privileged: false,
    scriptOnInput: false,
    apiVersion: "1.41",
    ...more,
  });
}

const basics = {
  image: "sha256:1",
  labels: {},
  env: [],
  mounts: [],
  binds: [],
  network: "",
  aliases: [],
  extraHosts: [],
  init: false,
  securityOptions: [],
};

describe("buildContainerSpec", () => {
  /** Keys of `[runners.docker]` and the fields of `HostConfig` they become. */
  const table: readonly [string, unknown, Record<string, unknown>][] = [
    ["memory", "512m", { Memory: 536_870_912 }],
    ["memory_swap", "1g", { MemorySwap: 1_073_741_824 }],
    ["memory_reservation", "256m", { MemoryReservation: 268_435_456 }],
    ["cgroup_parent", "ci", { CgroupParent: "ci" }],
    ["cpuset_cpus", "0,1", { CpusetCpus: "0,1" }],
    ["cpuset_mems", "0", { CpusetMems: "0" }],
    ["cpus", "1.5", { NanoCpus: 1_500_000_000 }],
    ["cpu_shares", 512, { CpuShares: 512 }],
    ["dns", ["8.8.8.8"], { Dns: ["8.8.8.8"] }],
    ["dns_search", ["example.com"], { DnsSearch: ["example.com"] }],
    ["runtime", "runsc", { Runtime: "runsc" }],
    ["userns_mode", "host", { UsernsMode: "host" }],
    ["pid_mode", "host", { PidMode: "host" }],
    ["ipcmode", "private", { IpcMode: "private" }],
    ["isolation", "hyperv", { Isolation: "hyperv" }],
    ["cap_add", ["NET_ADMIN"], { CapAdd: ["NET_ADMIN"] }],
    ["cap_drop", ["ALL"], { CapDrop: ["ALL"] }],
    ["oom_kill_disable", true, { OomKillDisable: true }],
    ["oom_score_adjust", 100, { OomScoreAdj: 100 }],
    ["shm_size", 300_000, { ShmSize: 300_000 }],
    ["tmpfs", { "/run": "rw,noexec" }, { Tmpfs: { "/run": "rw,noexec" } }],
    ["sysctls", { "net.core.somaxconn": "1" }, { Sysctls: { "net.core.somaxconn": "1" } }],
    ["ulimit", { nofile: "1:2" }, { Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }] }],
    ["device_cgroup_rules", ["c 1:3 r"], { DeviceCgroupRules: ["c 1:3 r"] }],
    ["group_add", ["docker"], { GroupAdd: ["docker"] }],
    ["links", ["db:db"], { Links: ["db:db"] }],
    ["volumes_from", ["data:ro"], { VolumesFrom: ["data:ro"] }],
    ["volume_driver", "nfs", { VolumeDriver: "nfs" }],
    ["log_options", { env: "A" }, { LogConfig: { Type: "json-file", Config: { env: "A" } } }],
  ];
  test.each(table)("maps %s", (key, value, expected) => {
    expect(build({ [key]: value })["HostConfig"]).toMatchObject(expected);
    const plain = build({})["HostConfig"] as Record<string, unknown>;
    for (const field of Object.keys(expected)) {
      expect(plain[field]).not.toEqual(expected[field]);
    }
  });

  test("leaves out what is not configured, which an engine would take for a limit of zero", () => {
    const host = build({})["HostConfig"] as Record<string, unknown>;
    const unset = ["Memory", "NanoCpus", "CpuShares", "ShmSize", "Privileged", "Init", "PidMode"];
    expect(unset.filter((field) => field in host)).toEqual([]);
  });

  test("never restarts and is not removed by the engine", () => {
    const host = build({})["HostConfig"] as Record<string, unknown>;
    expect(host["RestartPolicy"]).toEqual({ Name: "no" });
    expect(host["AutoRemove"]).toBeUndefined();
  });

  test("says user, entrypoint and privilege only where they are given", () => {
    expect(build({})).not.toHaveProperty("User");
    expect(build({})).not.toHaveProperty("Entrypoint");
    const given = build({}, { user: "1000", entrypoint: ["/e"], privileged: true, init: true });
    expect(given).toMatchObject({
      User: "1000",
      Entrypoint: ["/e"],
      HostConfig: { Privileged: true, Init: true },
    });
  });

  test("sets a MAC address where the engine's version looks for it", () => {
    const mac = "92:d0:c6:0a:29:33";
    expect(build({ mac_address: mac })).toMatchObject({ MacAddress: mac });
    expect(build({ mac_address: mac }, { apiVersion: "1.44" })).toMatchObject({
      NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: mac } } },
    });
    expect(build({ mac_address: mac }, { apiVersion: "1.44", network: "mine" })).toMatchObject({
      NetworkingConfig: { EndpointsConfig: { mine: { MacAddress: mac, Aliases: ["build"] } } },
    });
  });

  test("has its alias in a network of the job's, and none where networks know no names", () => {
    expect(build({}, { network: "mine" })).toMatchObject({
      HostConfig: { NetworkMode: "mine" },
      NetworkingConfig: { EndpointsConfig: { mine: { Aliases: ["build"] } } },
    });
    for (const network of ["", "bridge", "host", "none", "container:x"]) {
      expect(build({}, { network })).not.toHaveProperty("NetworkingConfig");
    }
  });
});

test("helperContainerSpec is root without privileges, GPUs or devices, whatever the build has", () => {
  const options = { privileged: true, user: "1000", gpus: "all", devices: ["/dev/kvm"] };
  const spec = helperContainerSpec({
    ...basics,
    docker: docker({ ...options, memory: "1g" }),
    hostname: "h",
    entrypoint: ["sh"],
  });
  expect(spec["User"]).toBe("0:0");
  const host = spec["HostConfig"] as Record<string, unknown>;
  expect(host["Privileged"]).toBeUndefined();
  expect(host["DeviceRequests"]).toBeUndefined();
  expect(host["Devices"]).toEqual([]);
  expect(host["Memory"]).toBe(1_073_741_824);
});

test("serviceContainerSpec takes the limits of services, not those of the build", () => {
  const spec = serviceContainerSpec({
    ...basics,
    docker: docker({
      memory: "1g",
      cpus: "2",
      service_memory: "128m",
      service_cpus: "0.25",
      services_tmpfs: { "/data": "rw" },
    }),
    entrypoint: undefined,
    command: ["run"],
    user: "",
    privileged: false,
    devices: ["/dev/fuse"],
  });
  expect(spec).toMatchObject({
    Cmd: ["run"],
    HostConfig: {
      Memory: 134_217_728,
      NanoCpus: 250_000_000,
      Tmpfs: { "/data": "rw" },
      Devices: [{ PathOnHost: "/dev/fuse" }],
    },
  });
});
