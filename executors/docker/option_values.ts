/** Values of `[runners.docker]` in the engine's terms: sizes, CPUs, devices, GPUs, limits. Pure. */

import { JobConfigurationError } from "../../core/errors.ts";

const UNITS = "kmgtp";

/** Bytes of `512m`, `1.5g`, `2GiB`, `1024`; undefined for an empty text. */
export function memoryBytes(key: string, text: string): number | undefined {
  if (text === "") return undefined;
  const match = /^(-?\d+(?:\.\d+)?) ?(?:([kmgtp])i?)?b?$/i.exec(text.trim());
  if (match === null) throw invalid(key, text, 'a size such as "512m" or "2g"');
  const power = match[2] === undefined ? 0 : UNITS.indexOf(match[2].toLowerCase()) + 1;
  return Math.trunc(Number(match[1]) * 1024 ** power);
}

/** Billionths of a CPU of `0.5`; undefined for an empty text. */
export function nanoCpus(key: string, text: string): number | undefined {
  if (text === "") return undefined;
  const count = Number(text);
  if (!(count > 0)) throw invalid(key, text, 'a number of CPUs such as "1.5"');
  return Math.round(count * 1e9);
}

export interface Device {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}

const PERMISSIONS = /^[rwm]{1,3}$/;

/** `/dev/x`, `/dev/x:/dev/y`, `/dev/x:rw`, `/dev/x:/dev/y:rw`. */
export function device(key: string, text: string): Device {
  const [host = "", second, third, ...rest] = text.split(":");
  const permissions = third ?? (second !== undefined && PERMISSIONS.test(second) ? second : "rwm");
  const inside = second === undefined || (third === undefined && PERMISSIONS.test(second))
    ? host
    : second;
  if (host === "" || inside === "" || rest.length > 0 || !PERMISSIONS.test(permissions)) {
    throw invalid(key, text, '"host path[:container path[:rwm]]"');
  }
  return { PathOnHost: host, PathInContainer: inside, CgroupPermissions: permissions };
}

export interface DeviceRequest {
  readonly Driver: string;
  readonly Count: number;
  readonly DeviceIDs: readonly string[];
  readonly Capabilities: readonly (readonly string[])[];
  readonly Options: Readonly<Record<string, string>>;
}

/** What `docker run --gpus` takes: `all`, `2`, `device=0`, `"device=0,1",capabilities=utility`. */
export function gpuRequests(key: string, text: string): readonly DeviceRequest[] {
  if (text.trim() === "") return [];
  let driver = "";
  let count: number | undefined;
  let ids: readonly string[] = [];
  let capabilities: readonly string[] = [];
  let options: Readonly<Record<string, string>> = {};
  for (const field of csvFields(text)) {
    const at = field.indexOf("=");
    const [name, value] = at < 0 ? ["count", field] : [field.slice(0, at), field.slice(at + 1)];
    if (name === "driver") driver = value;
    else if (name === "count") count = gpuCount(key, text, value);
    else if (name === "device") ids = value.split(",");
    else if (name === "capabilities") capabilities = value.split(",");
    else if (name === "options") {
      options = Object.fromEntries(
        csvFields(value).map((each) => {
          const equals = each.indexOf("=");
          return equals < 0 ? [each, ""] : [each.slice(0, equals), each.slice(equals + 1)];
        }),
      );
    } else throw invalid(key, text, 'what "docker run --gpus" takes, such as "all"');
  }
  return [{
    Driver: driver,
    Count: count ?? (ids.length > 0 ? 0 : 1),
    DeviceIDs: ids,
    Capabilities: [[...new Set([...capabilities, "gpu"])]],
    Options: options,
  }];
}

function gpuCount(key: string, text: string, value: string): number {
  if (value === "all") return -1;
  if (!/^\d+$/.test(value)) throw invalid(key, text, '"all" or a number of GPUs');
  return Number(value);
}

/** Fields between commas; one in double quotes may have commas itself. */
function csvFields(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"]|"")*)"|([^,]+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? "").trim() : quoted.replaceAll('""', '"')
  );
}

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/** `nofile = "1024:2048"`; without the second number the first counts for both. */
export function ulimits(key: string, limits: Readonly<Record<string, string>>): readonly Ulimit[] {
  return Object.entries(limits).map(([name, text]) => {
    const [soft = "", hard = soft, ...rest] = text.split(":");
    if (![soft, hard].every((each) => /^-?\d+$/.test(each)) || rest.length > 0) {
      throw invalid(`${key}.${name}`, text, '"soft" or "soft:hard"');
    }
    return { Name: name, Soft: Number(soft), Hard: Number(hard) };
  });
}

/** Options of the json-file log driver that GitLab Runner lets through. */
export function logOptions(
  key: string,
  options: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const unknown = Object.keys(options).filter((name) => name !== "env" && name !== "labels");
  if (unknown.length === 0) return options;
  throw new JobConfigurationError(
    `[runners.docker] ${key}: only "env" and "labels" are allowed, not ${
      unknown.map((name) => `"${name}"`).join(", ")
    }`,
  );
}

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Addresses of name servers, as they stand. */
export function nameServers(key: string, addresses: readonly string[]): readonly string[] {
  for (const address of addresses) {
    if (!IPV4.test(address) && !address.includes(":")) {
      throw invalid(key, address, "an IP address");
    }
  }
  return addresses;
}

function invalid(key: string, text: string, wanted: string): JobConfigurationError {
  return new JobConfigurationError(
    `[runners.docker] ${key} is "${text}", which is not ${wanted}`,
  );
}
