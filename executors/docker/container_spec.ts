/** The body of `POST /containers/create` for each kind of container of a job. Pure. */

import type { DockerConfig } from "../../core/config/schema.ts";
import type { ContainerSpec, Labels } from "./engine/mod.ts";
import {
  device,
  gpuRequests,
  logOptions,
  memoryBytes,
  nameServers,
  nanoCpus,
  ulimits,
} from "./option_values.ts";
import type { Mount } from "./volumes.ts";

/** What all containers of one job have in common. */
export interface ContainerBasics {
  readonly docker: DockerConfig;
  /** Reference or id. */
  readonly image: string;
  readonly labels: Labels;
  readonly env: readonly string[];
  readonly mounts: readonly Mount[];
  readonly binds: readonly string[];
  /** `--network`; empty means the engine's default. */
  readonly network: string;
  /** Names by which others in that network find the container. */
  readonly aliases: readonly string[];
  readonly extraHosts: readonly string[];
  /** `FF_USE_INIT_WITH_DOCKER_EXECUTOR`. */
  readonly init: boolean;
  /** Security options, profiles read. */
  readonly securityOptions: readonly string[];
}

export interface BuildContainer extends ContainerBasics {
  readonly hostname: string;
  /** Undefined: the image's own. */
  readonly entrypoint: readonly string[] | undefined;
  /** Undefined: the image's own. */
  readonly command: readonly string[] | undefined;
  /** Empty: the image's own. */
  readonly user: string;
  readonly privileged: boolean;
  /** Its standard input carries one script, and ends with it. */
  readonly scriptOnInput: boolean;
  /** `1.44` and later take a MAC address per network. */
  readonly apiVersion: string;
}

/** The user's container. Its standard input stays open, for a script or to keep a shell waiting. */
export function buildContainerSpec(options: BuildContainer): ContainerSpec {
  const { docker, entrypoint } = options;
  return {
    ...common(options),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...macAddress(docker.mac_address, options),
    ...(options.command === undefined ? {} : { Cmd: options.command }),
    Hostname: options.hostname,
    ...(options.user === "" ? {} : { User: options.user }),
    // An image's own command is to serve somebody, and not to wait for input.
    OpenStdin: options.command !== undefined,
    StdinOnce: options.scriptOnInput,
    HostConfig: {
      ...hostConfig(options),
      ...jobConfig(docker),
      ...present({
        PidMode: docker.pid_mode || undefined,
        Init: options.init || undefined,
        Privileged: options.privileged || undefined,
      }),
      DeviceRequests: gpuRequests("gpus", docker.gpus),
    },
  };
}

export interface HelperContainer extends ContainerBasics {
  readonly hostname: string;
  readonly entrypoint: readonly string[];
}

/** The container of our own stages: root, the job's volumes, no privileges, no devices. */
export function helperContainerSpec(options: HelperContainer): ContainerSpec {
  return {
    ...common(options),
    Entrypoint: options.entrypoint,
    Cmd: [],
    Hostname: options.hostname,
    User: "0:0",
    WorkingDir: "/",
    OpenStdin: true,
    HostConfig: { ...hostConfig(options), ...jobConfig({ ...options.docker, devices: [] }) },
  };
}

export interface ServiceContainer extends ContainerBasics {
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly user: string;
  readonly privileged: boolean;
  /** Devices for the image of this service. */
  readonly devices: readonly string[];
}

export function serviceContainerSpec(options: ServiceContainer): ContainerSpec {
  const { docker, entrypoint, command } = options;
  return {
    ...common(options),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...(command === undefined ? {} : { Cmd: command }),
    ...(options.user === "" ? {} : { User: options.user }),
    HostConfig: {
      ...hostConfig(options),
      ...present({
        Memory: memoryBytes("service_memory", docker.service_memory),
        MemorySwap: memoryBytes("service_memory_swap", docker.service_memory_swap),
        MemoryReservation: memoryBytes(
          "service_memory_reservation",
          docker.service_memory_reservation,
        ),
        NanoCpus: nanoCpus("service_cpus", docker.service_cpus),
        CpuShares: docker.service_cpu_shares || undefined,
        CpusetCpus: docker.service_cpuset_cpus || undefined,
        CgroupParent: docker.service_cgroup_parent || undefined,
        Init: options.init || undefined,
        Privileged: options.privileged || undefined,
      }),
      Devices: options.devices.map((each) => device("services_devices", each)),
      DeviceRequests: gpuRequests("service_gpus", docker.service_gpus),
      Tmpfs: docker.services_tmpfs,
    },
  };
}

function common(options: ContainerBasics): ContainerSpec {
  const { image, labels, env, network, aliases } = options;
  return {
    Image: image,
    Labels: labels,
    Env: env,
    ...(aliases.length === 0 || !takesAliases(network) ? {} : {
      NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: aliases } } },
    }),
  };
}

/** Only networks that somebody made have names for containers. */
function takesAliases(network: string): boolean {
  return !/^(?:|default|bridge|host|none|container:.*)$/.test(network);
}

/** What `[runners.docker]` says of every container. */
function hostConfig(options: ContainerBasics): ContainerSpec {
  const { docker, mounts, binds, network, extraHosts, securityOptions } = options;
  return {
    ...present({
      NetworkMode: network || undefined,
      Runtime: docker.runtime || undefined,
      UsernsMode: docker.userns_mode || undefined,
      Isolation: docker.isolation || undefined,
      ShmSize: docker.shm_size || undefined,
    }),
    RestartPolicy: { Name: "no" },
    LogConfig: { Type: "json-file", Config: logOptions("log_options", docker.log_options) },
    Binds: binds,
    Mounts: mounts,
    Dns: nameServers("dns", docker.dns),
    DnsSearch: docker.dns_search,
    ExtraHosts: extraHosts,
    SecurityOpt: securityOptions,
  };
}

/** What it says of the build container and the helper, and, as with GitLab Runner, not of services. */
function jobConfig(docker: DockerConfig): ContainerSpec {
  return {
    ...present({
      IpcMode: docker.ipcmode || undefined,
      VolumeDriver: docker.volume_driver || undefined,
      Memory: memoryBytes("memory", docker.memory),
      MemorySwap: memoryBytes("memory_swap", docker.memory_swap),
      MemoryReservation: memoryBytes("memory_reservation", docker.memory_reservation),
      NanoCpus: nanoCpus("cpus", docker.cpus),
      CpuShares: docker.cpu_shares || undefined,
      CpusetCpus: docker.cpuset_cpus || undefined,
      CpusetMems: docker.cpuset_mems || undefined,
      CgroupParent: docker.cgroup_parent || undefined,
      OomKillDisable: docker.oom_kill_disable || undefined,
      OomScoreAdj: docker.oom_score_adjust || undefined,
    }),
    Devices: docker.devices.map((each) => device("devices", each)),
    DeviceCgroupRules: docker.device_cgroup_rules,
    GroupAdd: docker.group_add,
    VolumesFrom: docker.volumes_from,
    CapAdd: docker.cap_add,
    CapDrop: docker.cap_drop,
    Sysctls: docker.sysctls,
    Ulimits: ulimits("ulimit", docker.ulimit),
    Links: docker.links,
    Tmpfs: docker.tmpfs,
  };
}

function macAddress(address: string, options: BuildContainer): ContainerSpec {
  if (address === "") return {};
  const [major = 1, minor = 0] = options.apiVersion.split(".").map(Number);
  if (major === 1 && minor < 44) return { MacAddress: address };
  const network = options.network || "bridge";
  const endpoint = takesAliases(network) ? { Aliases: options.aliases } : {};
  return {
    NetworkingConfig: {
      EndpointsConfig: { [network]: { ...endpoint, MacAddress: address } },
    },
  };
}

/** The fields that have a value: the engine takes a zero or an empty text for a wish. */
function present(fields: Readonly<Record<string, unknown>>): ContainerSpec {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
