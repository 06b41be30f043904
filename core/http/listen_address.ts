/** `listen_address`: where metrics and debug endpoints are served. */

import { ConfigurationError } from "../errors.ts";

/** The port that is taken when the address names none; reserved for GitLab Runner. */
const DEFAULT_PORT = 9252;

export interface ListenAddress {
  /** Undefined: every interface. */
  readonly hostname: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/** Reads `:9252`, `host:9252`, `[::1]:9252`, `host` or `[::1]`. Throws ConfigurationError. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::([0-9]*))?$/.exec(text.trim());
  const port = match?.[3] ? Number(match[3]) : DEFAULT_PORT;
  if (match === null || port > 65535) {
    throw new ConfigurationError(
      `Cannot listen on "${text}": listen_address has to look like "host:port" or ":port"`,
    );
  }
  return { hostname: match[1] ?? (match[2] || undefined), port };
}

/** In the form that {@link parseListenAddress} reads, with its port. */
export function formatListenAddress({ hostname = "", port }: ListenAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
