/** This machine as its containers see it. */

import { existsSync, readFileSync } from "node:fs";
import type { EngineKind } from "./container_engine.ts";

/** Stands in a container's hosts file for the machine that the engine runs on. */
export const HOST_NAMES: Readonly<Record<EngineKind, string>> = {
  docker: "host.docker.internal",
  // Podman writes it there itself, and not Docker's.
  podman: "host.containers.internal",
};

export interface ContainerSide {
  /** Address of this machine to listen on. */
  readonly listenOn: string;
  /** Whether one who connects may be a container, or a process of this machine. */
  mayBeOurs(address: string): boolean;
}

export type ReadFile = (path: string) => string | undefined;

/**
 * Docker's containers come to the address of its own bridge. Where there is no such bridge, the
 * engine runs in a machine of its own, whose `host.docker.internal` leads to loopback. Podman makes
 * its bridge with the first container, and without root, containers come as processes of this
 * machine: nobody knows the address before. Asked of the kernel, since lists of interfaces leave a
 * bridge out while no container is on it.
 */
export function containerSide(engine: EngineKind, read: ReadFile = textOf): ContainerSide {
  if (engine === "podman") {
    return {
      listenOn: "0.0.0.0",
      mayBeOurs: (address) =>
        ownAddresses(read).includes(address) ||
        networks(read).some((one) => PODMAN.test(one.name) && isWithin(address, one)),
    };
  }
  const bridge = networks(read).find(({ name }) => name === "docker0");
  const own = bridge && ownAddresses(read).find((address) => isWithin(address, bridge));
  return { listenOn: own ?? LOOPBACK, mayBeOurs: () => true };
}

/** What processes of this machine connect to. */
export const LOOPBACK = "127.0.0.1";

const PODMAN = /^(?:cni-)?podman\d+$/;
const ROUTES = "/proc/net/route";
const ADDRESSES = "/proc/net/fib_trie";

interface Network {
  readonly name: string;
  readonly destination: number;
  readonly mask: number;
}

function networks(read: ReadFile): readonly Network[] {
  return (read(ROUTES) ?? "").split("\n").flatMap(parseRoute);
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

function ownAddresses(read: ReadFile): readonly string[] {
  return [...(read(ADDRESSES) ?? "").matchAll(/\|-- ([\d.]+)\n\s+\/32 host LOCAL/g)]
    .map((match) => match[1] ?? "");
}

function isWithin(address: string, { destination, mask }: Network): boolean {
  const parts = address.split(".").map(Number);
  return parts.length === 4 && ((Buffer.from(parts).readUInt32BE() & mask) >>> 0) === destination;
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
