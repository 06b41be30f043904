/** Where containers reach this machine. */

import { existsSync, readFileSync } from "node:fs";

/** Stands in a container's hosts file for the machine that the engine runs on. */
export const HOST_NAME = "host.docker.internal";

/** Interfaces that an engine makes for containers without a network of their own. */
const BRIDGES = ["docker0", "podman0", "cni-podman0"];

const ROUTES = "/proc/net/route";
const ADDRESSES = "/proc/net/fib_trie";

/**
 * The address to listen on for containers: that of the engine's own bridge. Where there is no such
 * bridge, the engine runs in a machine of its own, whose `host.docker.internal` leads to loopback.
 * Asked of the kernel, since lists of interfaces leave a bridge out while no container is on it.
 */
export function containerSideAddress(
  read: (path: string) => string | undefined = textOf,
): string {
  const networks = (read(ROUTES) ?? "").split("\n").flatMap(parseRoute);
  const bridge = networks.find(({ name }) => BRIDGES.includes(name));
  if (bridge === undefined) return "127.0.0.1";
  const own = [...(read(ADDRESSES) ?? "").matchAll(/\|-- ([\d.]+)\n\s+\/32 host LOCAL/g)]
    .map((match) => match[1] ?? "");
  return own.find((address) => isWithin(numberOf(address), bridge)) ?? "127.0.0.1";
}

interface Network {
  readonly name: string;
  readonly destination: number;
  readonly mask: number;
}

/** `docker0 000011AC 00000000 0001 0 0 0 0000FFFF …`: numbers in the machine's own byte order. */
function parseRoute(line: string): readonly Network[] {
  const [name = "", destination = "", , , , , , mask = ""] = line.split(/\s+/);
  if (!/^[0-9A-F]{8}$/.test(destination) || mask === "00000000") return [];
  return [{ name, destination: swapped(destination), mask: swapped(mask) }];
}

function swapped(hex: string): number {
  return Buffer.from(hex, "hex").readUInt32LE();
}

function numberOf(address: string): number {
  return Buffer.from(address.split(".").map(Number)).readUInt32BE();
}

function isWithin(address: number, { destination, mask }: Network): boolean {
  return ((address & mask) >>> 0) === destination;
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
