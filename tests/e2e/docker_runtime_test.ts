/** Every setting of `[runners.docker]` that shapes containers, as the engine has it and a job sees it. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import type { EmbeddedJob } from "../../core/embedded/mod.ts";
import { container } from "../executors/docker/engine/fixture.ts";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { expectFailure, expectSuccess, type FinishedJob, output } from "./lab.ts";

const missing = missingForDocker();
const LIMIT = 60_000;

type Kind = "build" | "predefined" | "service";
const ALL: readonly Kind[] = ["build", "predefined", "service"];
const OWN: readonly Kind[] = ["build", "predefined"];

/** TOML of one setting, the containers that have it, where the engine shows it, and as what. */
type Setting = readonly [toml: string, kinds: readonly Kind[], path: string, value: unknown];

const MEBI = 1024 * 1024;
const DEVICE = { PathOnHost: "/dev/null", PathInContainer: "/dev/mine", CgroupPermissions: "r" };

const SETTINGS: readonly Setting[] = [
  ['memory = "256m"', OWN, "HostConfig.Memory", 256 * MEBI],
  ['memory_swap = "300m"', OWN, "HostConfig.MemorySwap", 300 * MEBI],
  ['memory_reservation = "128m"', OWN, "HostConfig.MemoryReservation", 128 * MEBI],
  ['cpus = "1.5"', OWN, "HostConfig.NanoCpus", 1.5e9],
  ['cpuset_cpus = "0"', OWN, "HostConfig.CpusetCpus", "0"],
  ['cpuset_mems = "0"', OWN, "HostConfig.CpusetMems", "0"],
  ["cpu_shares = 512", OWN, "HostConfig.CpuShares", 512],
  ['cgroup_parent = "/runner-test"', OWN, "HostConfig.CgroupParent", "/runner-test"],
  ["oom_score_adjust = 100", OWN, "HostConfig.OomScoreAdj", 100],
  ['device_cgroup_rules = ["c 1:3 r"]', OWN, "HostConfig.DeviceCgroupRules", ["c 1:3 r"]],
  ['devices = ["/dev/null:/dev/mine:r"]', ["build"], "HostConfig.Devices", [DEVICE]],
  ['group_add = ["65534"]', OWN, "HostConfig.GroupAdd", ["65534"]],
  ['hostname = "box"', OWN, "Config.Hostname", "box"],
  ['mac_address = "92:d0:c6:0a:29:33"', ["build"], "Config.MacAddress", "92:d0:c6:0a:29:33"],
  ['dns = ["192.0.2.53"]', ALL, "HostConfig.Dns", ["192.0.2.53"]],
  ['dns_search = ["example.com"]', ALL, "HostConfig.DnsSearch", ["example.com"]],
  ['extra_hosts = ["db:192.0.2.1"]', ["service"], "HostConfig.ExtraHosts", ["db:192.0.2.1"]],
  ['cap_add = ["NET_ADMIN"]', OWN, "HostConfig.CapAdd", ["NET_ADMIN"]],
  ['cap_drop = ["MKNOD"]', OWN, "HostConfig.CapDrop", ["MKNOD"]],
  ['security_opt = ["no-new-privileges"]', OWN, "HostConfig.SecurityOpt", ["no-new-privileges"]],
  ['services_security_opt = ["label=disable"]', ["service"], "HostConfig.SecurityOpt", [
    "label=disable",
  ]],
  ['runtime = "runc"', ALL, "HostConfig.Runtime", "runc"],
  ['isolation = "default"', ALL, "HostConfig.Isolation", "default"],
  ["shm_size = 33554432", ALL, "HostConfig.ShmSize", 32 * MEBI],
  ['ipcmode = "private"', OWN, "HostConfig.IpcMode", "private"],
  ['user = "1234:4321"', ["build"], "Config.User", "1234:4321"],
  ['service_memory = "64m"', ["service"], "HostConfig.Memory", 64 * MEBI],
  ['service_memory_swap = "80m"', ["service"], "HostConfig.MemorySwap", 80 * MEBI],
  ['service_memory_reservation = "32m"', ["service"], "HostConfig.MemoryReservation", 32 * MEBI],
  ['service_cpus = "0.5"', ["service"], "HostConfig.NanoCpus", 5e8],
  ['service_cpuset_cpus = "0"', ["service"], "HostConfig.CpusetCpus", "0"],
  ["service_cpu_shares = 256", ["service"], "HostConfig.CpuShares", 256],
  ['service_cgroup_parent = "/runner-svc"', ["service"], "HostConfig.CgroupParent", "/runner-svc"],
];

/** Tables of TOML, which stand behind the plain settings. */
const TABLES: readonly Setting[] = [
  ['[runners.docker.tmpfs]\n"/scratch" = "rw,size=1m"', OWN, "HostConfig.Tmpfs", {
    "/scratch": "rw,size=1m",
  }],
  ['[runners.docker.services_tmpfs]\n"/data" = "rw"', ["service"], "HostConfig.Tmpfs", {
    "/data": "rw",
  }],
  [
    '[runners.docker.sysctls]\n"net.ipv4.ip_unprivileged_port_start" = "80"',
    OWN,
    "HostConfig.Sysctls",
    {
      "net.ipv4.ip_unprivileged_port_start": "80",
    },
  ],
  // Not nofile: Go raises it in runc, which does not always give it back.
  ['[runners.docker.ulimit]\nsigpending = "100:200"', OWN, "HostConfig.Ulimits", [
    { Name: "sigpending", Soft: 100, Hard: 200 },
  ]],
  ['[runners.docker.log_options]\nlabels = "team"', ALL, "HostConfig.LogConfig", {
    Type: "json-file",
    Config: { labels: "team" },
  }],
  [
    '[runners.docker.container_labels]\nteam = "of-$CI_PROJECT_ID"',
    ALL,
    "Config.Labels.team",
    "of-1",
  ],
  [
    '[runners.docker.services_devices]\n"runner-test/**" = ["/dev/zero:/dev/mine:r"]',
    [
      "service",
    ],
    "HostConfig.Devices",
    [{ ...DEVICE, PathOnHost: "/dev/zero" }],
  ],
];

/**
 * Those that share something with the host, which excludes some of the others. `privileged` is not
 * among them: an engine that is in a container itself cannot start what is.
 */
const SHARING: readonly Setting[] = [
  ['network_mode = "host"', ALL, "HostConfig.NetworkMode", "host"],
  ['pid_mode = "host"', ["build"], "HostConfig.PidMode", "host"],
  ['ipcmode = "host"', OWN, "HostConfig.IpcMode", "host"],
  ['userns_mode = "host"', ALL, "HostConfig.UsernsMode", "host"],
  ["oom_kill_disable = true", OWN, "HostConfig.OomKillDisable", true],
];

/** The services sleep. */
const NOT_AWAITED = "wait_for_services_timeout = -1";

const LONG = { GIT_STRATEGY: "none" };

describe.skipIf(missing !== undefined)(
  missing
    ? `[runners.docker] in containers: NOT RUN, ${missing}`
    : "[runners.docker] in containers",
  () => {
    /** The containers of a job whose script runs, as the engine shows them. */
    async function inspected(docker: DockerLab, settings: readonly Setting[], script: string) {
      const gate = `/tmp/gate-${crypto.randomUUID()}`;
      const job: EmbeddedJob = docker.lab.enqueue({
        script: [script, "echo begun", `until [ -e ${gate} ]; do sleep 0.1; done`],
        services: [{ name: docker.image, entrypoint: ["sleep"], command: ["1000"] }],
        variables: LONG,
      });
      const told = docker.lab.finished(job);
      const early = told.then(({ plain }) => {
        throw new Error(`the job has ended:\n${plain}`);
      });
      await Promise.race([docker.lab.printed(job, "\nbegun"), early]);
      early.catch(() => {});
      const found: Record<string, unknown> = {};
      const { containers } = await docker.objects();
      const env = { DOCKER_HOST: docker.host };
      for (const name of containers) {
        const [details] = JSON.parse(await output(["docker", "inspect", name], { env }));
        found[details.Config.Labels["com.gitlab.gitlab-runner.type"]] = details;
        if (name.endsWith("-build")) {
          await output(["docker", "exec", "-u0", name, "touch", gate], { env });
        }
      }
      const end = await told;
      const seen = settings.flatMap(([toml, kinds, path]) =>
        kinds.map((kind) => [toml, kind, path, at(found[kind], path)])
      );
      const expected = settings.flatMap(([toml, kinds, path, value]) =>
        kinds.map((kind) => [toml, kind, path, value])
      );
      return { end, seen, expected, found };
    }

    const plain = (settings: readonly Setting[]) => settings.map(([toml]) => toml);

    test("settings of limits, devices, names and rights", async () => {
      await using docker = await DockerLab.open({
        docker: ["services_privileged = false", NOT_AWAITED, ...plain(SETTINGS), ...plain(TABLES)],
      });
      docker.lab.start();
      const settings = [...SETTINGS, ...TABLES];
      const { end, seen, expected, found } = await inspected(
        docker,
        settings,
        [
          "echo id=$(id -u):$(id -g):$(id -G); echo host=$(hostname)",
          "echo memory=$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null)",
          "echo signals=$(ulimit -Si):$(ulimit -Hi); ls /dev/mine; df /scratch | tail -n1",
          "cat /etc/resolv.conf; cat /etc/hosts; cat /sys/class/net/eth0/address",
          "echo port=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start); grep NoNewPrivs /proc/self/status",
        ].join("; "),
      );
      expect(seen).toEqual(expected);
      expectSuccess(end);
      for (
        const line of [
          "id=1234:4321:4321 65534",
          "host=box",
          `memory=${256 * MEBI}`,
          "signals=100:200",
          "/dev/mine",
          "nameserver 192.0.2.53",
          "search example.com",
          "92:d0:c6:0a:29:33",
          "port=80",
          "NoNewPrivs:\t1",
        ]
      ) expect(end.plain).toContain(`\n${line}\n`);
      expect(end.plain).toMatch(/\n192\.0\.2\.1\s+db\n/);
      expect(end.plain).toMatch(/\ntmpfs\s+1024\s.*\/scratch\n/);
      expect(at(found["service"], "HostConfig.Privileged")).toBe(false);
    }, LIMIT);

    test("settings that share with the host", async () => {
      await using docker = await DockerLab.open({ docker: [NOT_AWAITED, ...plain(SHARING)] });
      docker.lab.start();
      const { end, seen, expected } = await inspected(
        docker,
        SHARING,
        "echo pid 1 is $(tr '\\0' ' ' < /proc/1/cmdline)",
      );
      expect(seen).toEqual(expected);
      expectSuccess(end);
      const init = (await Bun.file("/proc/1/cmdline").text()).replaceAll("\0", " ").trim();
      expect(end.plain).toContain(`\npid 1 is ${init}`);
    }, LIMIT);

    test("links and volumes_from name containers of the host", async () => {
      await using docker = await DockerLab.open();
      const volume = `runner-test-${crypto.randomUUID()}`;
      await using other = await container(docker.engine, {
        Image: docker.image,
        Cmd: ["sleep", "1000"],
        HostConfig: { Binds: [`${volume}:/given`] },
      });
      const its = { signal: AbortSignal.timeout(30_000) };
      await docker.engine.startContainer(other.id, its);
      const argv = ["sh", "-c", "echo from the other > /given/note"];
      await docker.engine.exec(other.id, { argv }, { output: { write: () => undefined }, ...its });
      {
        await using linked = await DockerLab.open({
          docker: [`links = ["${other.id}:neighbour"]`, `volumes_from = ["${other.id}:ro"]`],
        });
        linked.lab.start();
        const end = await linked.lab.run({
          script: [
            "cat /given/note",
            "if touch /given/x; then exit 7; fi",
            "ping -c1 -W2 neighbour",
          ],
          variables: LONG,
        });
        expectSuccess(end);
        expect(end.plain).toContain("\nfrom the other\n");
      }
      await docker.engine.removeContainer(other.id, its);
      await docker.engine.removeVolume(volume, its);
    }, LIMIT);

    test("a seccomp profile is read from its file", async () => {
      await using docker = await DockerLab.open();
      const profile = docker.lab.path("profile.json");
      const syscalls = [{ names: ["symlink", "symlinkat"], action: "SCMP_ACT_ERRNO" }];
      writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls }));
      await using confined = await DockerLab.open({
        docker: [`security_opt = ["seccomp=${profile}"]`],
      });
      confined.lab.start();
      const end = await confined.lab.run({
        script: ["touch /tmp/file", "if ln -s a /tmp/link; then exit 7; fi"],
        variables: { ...LONG },
      });
      expectSuccess(end);
      expect(end.plain).toContain("Operation not permitted");
    }, LIMIT);

    const refused = (docker: readonly string[]): Promise<FinishedJob> =>
      (async () => {
        await using lab = await DockerLab.open({ docker });
        lab.lab.start();
        return await lab.lab.run({ script: "true", variables: LONG });
      })();

    test.each<[string, string, RegExp]>([
      ['devices = ["/dev/nowhere"]', "runner_system_failure", /"?\/dev\/nowhere"?: no such file/],
      [
        'gpus = "all"',
        "runner_system_failure",
        /could not select device driver "" with capabilities: \[\[gpu\]\]/,
      ],
      [
        'device_cgroup_rules = ["nonsense"]',
        "runner_system_failure",
        /invalid device cgroup rule format: 'nonsense'/,
      ],
      ['runtime = "nowhere"', "runner_configuration_error", /[Uu]nknown runtime.*nowhere/],
      [
        'memory = "1k"',
        "runner_configuration_error",
        /The Docker Engine refuses to make container runner-\S+-(?:build|predefined): Minimum memory limit/,
      ],
      ['cap_add = ["NONSENSE"]', "runner_configuration_error", /unknown capability.*NONSENSE/],
      [
        'devices = ["/dev/null:/dev/x:q"]',
        "runner_configuration_error",
        /devices is "\/dev\/null:\/dev\/x:q", which is not "host path\[:container path\[:rwm\]\]"/,
      ],
      [
        'gpus = "few"',
        "runner_configuration_error",
        /gpus is "few", which is not "all" or a number of GPUs/,
      ],
      [
        'memory = "lots"',
        "runner_configuration_error",
        /memory is "lots", which is not a size such as "512m" or "2g"/,
      ],
      [
        'dns = ["nowhere"]',
        "runner_configuration_error",
        /dns is "nowhere", which is not an IP address/,
      ],
      [
        'security_opt = ["seccomp=/nowhere.json"]',
        "runner_configuration_error",
        /Cannot use the seccomp profile "\/nowhere.json"/,
      ],
      [
        '[runners.docker.log_options]\nmax-size = "1m"',
        "runner_configuration_error",
        /log_options: only "env" and "labels" are allowed, not "max-size"/,
      ],
    ])("%s is refused in words", async (toml, reason, words) => {
      const end = await refused([toml]);
      expectFailure(end, reason);
      expect(end.plain).toMatch(words);
    }, LIMIT);

    test("a job in another container's network has that one's name and ports", async () => {
      const name = `neighbour-${crypto.randomUUID()}`;
      await using docker = await DockerLab.open({ docker: [`network_mode = "container:${name}"`] });
      const program = "while true; do echo hello from $(hostname) | nc -l -p 8099; done";
      const spec = { Image: docker.image, Cmd: ["sh", "-c", program], Hostname: "neighbour" };
      const its = { signal: AbortSignal.timeout(LIMIT) };
      const id = await docker.engine.createContainer(name, spec, its);
      try {
        await docker.engine.startContainer(id, its);
        const end = await docker.lab.start().run({
          script: ["hostname", "nc -w 3 127.0.0.1 8099 </dev/null"],
          variables: { GIT_STRATEGY: "none" },
        });
        expectSuccess(end);
        expect(end.plain).toContain("\nneighbour\n");
        expect(end.plain).toContain("\nhello from neighbour\n");
      } finally {
        await docker.engine.removeContainer(id, its);
      }
    }, LIMIT);
  },
);

function at(value: unknown, path: string): unknown {
  const step = (inner: unknown, name: string) =>
    (inner as Record<string, unknown> | undefined)?.[name];
  return path.split(".").reduce(step, value);
}
