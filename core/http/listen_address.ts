/** `listen_address`: where metrics and debug endpoints are served. */

import { readFileSync } from "node:fs";
import { ConfigurationError } from "../errors.ts";

/** The port that is taken when the address names none; reserved for GitLab Runner. */
const DEFAULT_PORT = 9252;

export interface ListenAddress {
  /** Undefined: every interface. */
  readonly hostname: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/**
 * Reads `:9252`, `host:9252`, `[::1]:9252`, `host`, `[::1]` or `host:http`, with a name of the system's
 * services. Throws ConfigurationError.
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::([^:\]]*))?$/.exec(text.trim());
  const port = match?.[3] ? portOf(match[3]) : DEFAULT_PORT;
  if (match === null || !(port <= 65535)) {
    throw new ConfigurationError(
      `Cannot listen on "${text}": listen_address has to look like "host:port" or ":port"`,
    );
  }
  return { hostname: match[1] ?? (match[2] || undefined), port };
}

/** NaN for what is neither a number nor the name of a service. */
function portOf(text: string): number {
  if (/^[0-9]+$/.test(text)) return Number(text);
  return servicePort(text) ?? NaN;
}

/** The port of a service over TCP. `http` and `https` are known where the system lists none. */
function servicePort(name: string): number | undefined {
  const known = new Map([["http", 80], ["https", 443]]);
  let listed = "";
  try {
    listed = readFileSync("/etc/services", "utf8");
  } catch {
    // Small systems and Windows lack it.
  }
  for (const line of listed.split("\n")) {
    const [service = "", port = "", ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const [number, protocol] = port.split("/");
    if (protocol === "tcp" && [service, ...aliases].includes(name)) return Number(number);
  }
  return known.get(name);
}

/** In the form that {@link parseListenAddress} reads, with its port. */
export function formatListenAddress({ hostname = "", port }: ListenAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
