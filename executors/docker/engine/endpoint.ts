/** Where an engine listens: host, port or socket, and whether TLS is spoken there. */

import { ConfigurationError } from "../../../core/errors.ts";

/** TLS as Docker's own client has it: files of one directory, checked only when asked for. */
export interface EndpointTls {
  /** Holds `ca.pem`, `cert.pem` and `key.pem`; each may be missing. */
  readonly certificateDirectory: string | undefined;
  /** Whether the engine's certificate is checked. */
  readonly verify: boolean;
}

export type Endpoint =
  | { readonly kind: "unix"; readonly address: string; readonly path: string }
  | {
    readonly kind: "tcp";
    readonly address: string;
    readonly host: string;
    readonly port: number;
    readonly tls: EndpointTls | undefined;
  }
  | {
    readonly kind: "ssh";
    readonly address: string;
    readonly user: string | undefined;
    readonly host: string;
    readonly port: number | undefined;
    /** The engine's socket on that host; undefined: what `docker` uses there. */
    readonly socket: string | undefined;
  }
  | { readonly kind: "npipe"; readonly address: string; readonly path: string };

/** The `host`, `tls_cert_path` and `tls_verify` of a configuration, and the environment. */
export interface EndpointOptions {
  readonly host?: string | undefined;
  readonly tlsCertPath?: string | undefined;
  readonly tlsVerify?: boolean | undefined;
  /** Asked for `DOCKER_HOST`, `DOCKER_CERT_PATH` and `DOCKER_TLS_VERIFY` where no host is given. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_HOST = "unix:///var/run/docker.sock";

/** Throws ConfigurationError for a host that cannot be used. */
export function endpointOf(options: EndpointOptions): Endpoint {
  const fromEnv = options.host ? {} : options.env;
  const address = options.host || fromEnv["DOCKER_HOST"] || DEFAULT_HOST;
  if (address.startsWith("unix://")) {
    const path = address.slice("unix://".length);
    if (!path.startsWith("/")) throw unusable(address, "the path of a socket starts with /");
    return { kind: "unix", address, path };
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  switch (url?.protocol) {
    case "tcp:":
    case "http:":
    case "https:":
      return tcpEndpoint(address, url, tlsOf(url, options, fromEnv));
    case "ssh:":
      return sshEndpoint(address, url);
    case "npipe:":
      // npipe:////./pipe/docker_engine
      return {
        kind: "npipe",
        address,
        path: address.slice("npipe:".length + 2).replaceAll("/", "\\"),
      };
    default:
      throw unusable(address, "it must start with unix://, tcp://, http://, https:// or ssh://");
  }
}

function tlsOf(
  url: URL,
  options: EndpointOptions,
  env: EndpointOptions["env"],
): EndpointTls | undefined {
  const certificateDirectory = options.tlsCertPath || env["DOCKER_CERT_PATH"] || undefined;
  const asked = options.tlsVerify === true || Boolean(env["DOCKER_TLS_VERIFY"]);
  if (url.protocol === "http:") return undefined;
  if (url.protocol === "tcp:" && certificateDirectory === undefined && !asked) return undefined;
  // A bare https:// says nothing about checking: then it is checked, as anywhere.
  return { certificateDirectory, verify: asked || certificateDirectory === undefined };
}

function tcpEndpoint(address: string, url: URL, tls: EndpointTls | undefined): Endpoint {
  // URL knows the default ports of http and https only, and leaves them out.
  const web = { "http:": 80, "https:": 443 }[url.protocol];
  const port = Number(url.port) || web || (tls === undefined ? 2375 : 2376);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (host === "") throw unusable(address, "it names no host");
  if (url.pathname.length > 1) throw unusable(address, "a path is not supported");
  return { kind: "tcp", address, host, port, tls };
}

/** Plain words: nothing that the remote shell, or ssh itself, would take for something else. */
const SSH_NAME = /^[\w.][\w.%+-]*$/;

function sshEndpoint(address: string, url: URL): Endpoint {
  const user = decodeURIComponent(url.username) || undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const socket = url.pathname.length > 1 ? url.pathname : undefined;
  if (url.password !== "") {
    throw unusable(`ssh://${host}`, "ssh takes no password from an address; use a key");
  }
  if (!/^[\w.:][\w.:-]*$/.test(host)) throw unusable(address, "it names no host");
  if (user !== undefined && !SSH_NAME.test(user)) throw unusable(address, "the user is no name");
  if (url.search !== "" || url.hash !== "") throw unusable(address, "it has more than a path");
  if (socket !== undefined && !/^(?:\/[\w.-]+)+$/.test(socket)) {
    throw unusable(address, "the path of the engine's socket has unusual characters");
  }
  return { kind: "ssh", address, user, host, port: Number(url.port) || undefined, socket };
}

export function unusable(address: string, why: string): ConfigurationError {
  return new ConfigurationError(`Cannot use the Docker host "${address}": ${why}`);
}
