/** The name of this runner manager, by which GitLab tells the hosts of one runner apart. */

import { createHmac } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, ConfigurationError, messageOf } from "../errors.ts";

const SYSTEM_ID = /^[sr]_[0-9a-zA-Z]{12}$/;

export interface SystemId {
  readonly id: string;
  /** Why it may be another one at the next start. */
  readonly warning: string | undefined;
}

export interface SystemIdOptions {
  readonly platform?: NodeJS.Platform;
  readonly machineId?: (platform: NodeJS.Platform) => Promise<string | undefined>;
}

/**
 * The ID kept in `.runner_system_id` beside config.toml; made and written when there is none or the
 * one there is malformed. Throws a ConfigurationError when the file exists and cannot be read.
 */
export async function systemId(
  configPath: string,
  options: SystemIdOptions = {},
): Promise<SystemId> {
  const path = join(dirname(configPath), ".runner_system_id");
  const known = await readKnown(path);
  if (known !== undefined) return { id: known, warning: undefined };
  const id = await newSystemId(options);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, id, { mode: 0o600 });
    return { id, warning: undefined };
  } catch (error) {
    const warning = `Cannot keep the system ID in "${path}": ${messageOf(error)}`;
    // One that comes from the machine's own ID is the same at every start.
    const outlook = id.startsWith("r_")
      ? "; GitLab will see another runner manager after a restart"
      : "";
    return { id, warning: `${warning}${outlook}` };
  }
}

/** An ID that is the same for every call on this machine, if the machine has an ID of its own. */
async function newSystemId(options: SystemIdOptions = {}): Promise<string> {
  const { platform = process.platform, machineId: find = machineId } = options;
  const machine = await find(platform);
  return machine ? `s_${digest(machine)}` : `r_${randomText()}`;
}

async function readKnown(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, "utf8")).trim();
    return SYSTEM_ID.test(text) ? text : undefined;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    const why = messageOf(cause);
    throw new ConfigurationError(`Cannot read the system ID in "${path}": ${why}`, { cause });
  }
}

/** GitLab must not learn the machine's ID itself: other programs use it as a key. */
function digest(machine: string): string {
  return createHmac("sha256", machine).update("gitlab-runner").digest("hex").slice(0, 12);
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** Bytes from 248 on would favour the alphabet's first letters: 248 is the last multiple of 62. */
function randomText(): string {
  let text = "";
  while (text.length < 12) {
    const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < 248) text += ALPHABET.charAt(byte % 62);
  }
  return text;
}

/** Where a machine's ID may be: a file, or a program's output and what to cut out of it. */
type Source =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "command"; readonly argv: readonly string[]; readonly match: RegExp };

/** In the order in which GitLab Runner looks, so that a host keeps its ID when it changes over. */
export const MACHINE_ID_SOURCES: Readonly<Partial<Record<NodeJS.Platform, readonly Source[]>>> = {
  linux: [
    { kind: "file", path: "/var/lib/dbus/machine-id" },
    { kind: "file", path: "/etc/machine-id" },
    { kind: "file", path: "/sys/class/dmi/id/product_uuid" },
  ],
  freebsd: [
    { kind: "file", path: "/etc/hostid" },
    { kind: "command", argv: ["kenv", "-q", "smbios.system.uuid"], match: /^\s*(\S+)/ },
  ],
  darwin: [{
    kind: "command",
    argv: ["ioreg", "-rd1", "-c", "IOPlatformExpertDevice"],
    match: /"IOPlatformUUID" = "([^"]+)"/,
  }],
  win32: [{
    kind: "command",
    argv: [
      "reg",
      "query",
      "HKLM\\SOFTWARE\\Microsoft\\Cryptography",
      "/v",
      "MachineGuid",
      "/reg:64",
    ],
    match: /MachineGuid\s+REG_SZ\s+(\S+)/,
  }],
};

/** The first source that answers; undefined when none does. An empty file is an answer: no ID. */
export async function machineId(
  platform: NodeJS.Platform,
  sources: readonly Source[] = MACHINE_ID_SOURCES[platform] ?? [],
): Promise<string | undefined> {
  for (const source of sources) {
    const text = await read(source);
    if (text !== undefined) return text;
  }
  return undefined;
}

async function read(source: Source): Promise<string | undefined> {
  try {
    if (source.kind === "file") return (await readFile(source.path, "utf8")).trim();
    const child = Bun.spawn([...source.argv], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    return (await child.stdout.text()).match(source.match)?.[1];
  } catch {
    // Not there, not readable or not installed: all mean that this source has no answer.
    return undefined;
  }
}
