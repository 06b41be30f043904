/** The `known_hosts` file of OpenSSH: which keys a server may show. */

import { createHmac } from "node:crypto";
import type { HostKey } from "./host_key.ts";

export interface KnownHosts {
  readonly lines: readonly KnownHostsLine[];
}

interface KnownHostsLine {
  /** In the file, from 1. */
  readonly number: number;
  readonly marker: "none" | "revoked" | "cert-authority";
  readonly hosts: string;
  readonly key: HostKey;
}

/** What the file says of one server. */
export interface KnownServer {
  /** Keys it may show, with the lines they stand on. */
  readonly keys: readonly (HostKey & { readonly line: number })[];
  /** Keys nobody may show in its name. */
  readonly revoked: readonly HostKey[];
  /** Keys of authorities that vouch for it. */
  readonly authorities: readonly HostKey[];
}

/** Lines that are no entries are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string): KnownHosts {
  return {
    lines: text.split("\n").flatMap((line, index) => parseLine(line, index + 1) ?? []),
  };
}

function parseLine(text: string, number: number): KnownHostsLine | undefined {
  const words = text.trim().split(/[ \t]+/);
  const marker = words[0]?.startsWith("@") ? words.shift() : undefined;
  const [hosts, type, base64] = words;
  if (hosts === undefined || hosts.startsWith("#") || type === undefined) return undefined;
  if (base64 === undefined || !/^[A-Za-z0-9+/]+=*$/.test(base64)) return undefined;
  const key = { type, base64 };
  switch (marker) {
    case undefined:
      return { number, marker: "none", hosts, key };
    case "@revoked":
      return { number, marker: "revoked", hosts, key };
    case "@cert-authority":
      return { number, marker: "cert-authority", hosts, key };
    default:
      return undefined;
  }
}

/** Gathers what concerns the server at `host` and `port`. */
export function knownServer(file: KnownHosts, host: string, port: number): KnownServer {
  const name = serverName(host, port);
  const lines = file.lines.filter(({ hosts }) => concerns(hosts, name));
  const of = (marker: KnownHostsLine["marker"]) => lines.filter((line) => line.marker === marker);
  const keys = of("none").map(({ key, number }) => ({ ...key, line: number }));
  return {
    keys,
    revoked: of("revoked").map(({ key }) => key),
    authorities: of("cert-authority").map(({ key }) => key),
  };
}

/** The name of a server in the file: its host alone on the usual port, else `[host]:port`. */
export function serverName(host: string, port: number): string {
  const lower = host.toLowerCase();
  return port === 22 ? lower : `[${lower}]:${port}`;
}

/** A list of patterns; one with `!` in front that matches excludes the server. */
function concerns(hosts: string, name: string): boolean {
  if (hosts.startsWith("|")) return isHashOf(hosts, name);
  let found = false;
  for (const word of hosts.toLowerCase().split(",")) {
    const isNegated = word.startsWith("!");
    const pattern = (isNegated ? word.slice(1) : word).replace(/^\[(.*)\]:22$/, "$1");
    if (!matches(pattern, name)) continue;
    if (isNegated) return false;
    found = true;
  }
  return found;
}

/** `|1|salt|hash`: the name's HMAC with SHA-1. */
function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split("|");
  if (version !== "1" || salt === undefined || hash === undefined) return false;
  const hmac = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64");
  return hmac === hash;
}

/** Whether a host's name, in any letters, is meant by a pattern of {@link matches}. */
export function matchesHost(pattern: string, host: string): boolean {
  return matches(pattern.toLowerCase(), host.toLowerCase());
}

/** `*` and `?` are the only wildcards: brackets are part of a name. */
function matches(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  if (!/[*?]/.test(pattern)) return false;
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, (character) => {
    if (character === "*") return ".*";
    return character === "?" ? "." : `\\${character}`;
  });
  return new RegExp(`^${source}$`).test(name);
}
