/**
 * One TLS handshake by itself: shows the server's whole chain, or why the two sides cannot agree,
 * neither of which the HTTP client tells.
 */

import { request } from "node:http";
import { isIP, type Socket } from "node:net";
import {
  connect,
  type ConnectionOptions,
  type DetailedPeerCertificate,
  type TLSSocket,
} from "node:tls";
import { codeOf, RunnerError } from "../errors.ts";
import { abortable, deadline, DeadlineExceeded } from "../util/abort.ts";
import { bareHost, portOf } from "./proxy.ts";

/** A handshake is three packets; a server that needs longer will not serve a job either. */
const HANDSHAKE_MS = 10_000;

export interface HandshakeOptions {
  readonly ca: readonly string[];
  readonly pair: { readonly certificate: string; readonly key: string } | undefined;
  /** URL of an http proxy; undefined connects directly. */
  readonly proxy: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * PEM of the verified chain, leaf first, root last. Takes at most ten seconds.
 * Throws with TLS's own code (`ERR_SSL_…`, `CERT_HAS_EXPIRED`…) when the handshake fails.
 */
export async function serverChain(url: URL, options: HandshakeOptions): Promise<string> {
  using limit = deadline(
    HANDSHAKE_MS,
    () => new DeadlineExceeded(`The TLS handshake with "${url.host}"`, HANDSHAKE_MS),
    ...(options.signal === undefined ? [] : [options.signal]),
  );
  const base = options.proxy === undefined
    ? { host: bareHost(url), port: Number(portOf(url)) }
    : { socket: await tunnel(url, new URL(options.proxy), limit.signal) };
  const socket = connect({ ...base, ...securityOf(url, options) });
  try {
    await abortable(connected(socket), limit.signal);
    return [...chainOf(socket)].map(pem).join("");
  } finally {
    socket.destroy();
  }
}

function securityOf(url: URL, options: HandshakeOptions): ConnectionOptions {
  const host = bareHost(url);
  return {
    ca: [...options.ca],
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(options.pair === undefined
      ? {}
      : { cert: options.pair.certificate, key: options.pair.key }),
  };
}

async function tunnel(url: URL, proxy: URL, signal: AbortSignal): Promise<Socket> {
  if (proxy.protocol !== "http:") {
    throw new RunnerError(`Cannot look at the TLS chain of "${url.host}" through "${proxy.host}"`);
  }
  const target = `${url.hostname}:${portOf(url)}`;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const user = decodeURIComponent(`${proxy.username}:${proxy.password}`);
  const credentials = proxy.username === ""
    ? {}
    : { "Proxy-Authorization": `Basic ${Buffer.from(user).toString("base64")}` };
  const ask = request({
    method: "CONNECT",
    host: bareHost(proxy),
    port: portOf(proxy),
    path: target,
    headers: { Host: target, ...credentials },
    signal,
  });
  ask.once("connect", (answer, socket) => {
    if (answer.statusCode === 200) return resolve(socket as Socket);
    socket.destroy();
    reject(new RunnerError(`The proxy answered ${answer.statusCode} to CONNECT ${target}`));
  });
  ask.once("error", reject);
  ask.end();
  return await promise;
}

function connected(socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("secureConnect", resolve);
  socket.on("error", reject);
  socket.once("close", () => reject(new RunnerError("The connection was closed")));
  return promise;
}

function* chainOf(socket: TLSSocket): Generator<Buffer> {
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  const seen = new Set<string>();
  while (certificate?.raw !== undefined && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256);
    yield certificate.raw;
    certificate = certificate.issuerCertificate;
  }
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Why a handshake that the HTTP client called a protocol error failed, for an operator. */
export function handshakeProblem(thrown: unknown): string {
  const code = codeOf(thrown) ?? "";
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/.test(code)) {
    return "it does not speak TLS 1.2 or newer";
  }
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST/.test(code)) return "it does not speak TLS on this port";
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE/.test(code)) {
    return `it refused the handshake (${code}); it may want a client certificate (tls-cert-file)`;
  }
  return `the handshake failed (${thrown instanceof Error ? thrown.message : code})`;
}
