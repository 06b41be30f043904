/** Opens byte streams to an engine. Another transport is one more case of `dialerFor`. */

import { readFile } from "node:fs/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { codeOf, ConfigurationError } from "../../../core/errors.ts";
import { deadline, DeadlineExceeded } from "../../../core/util/abort.ts";
import { type Endpoint, type EndpointTls, unusable } from "./endpoint.ts";
import { dialSsh } from "./ssh_dialer.ts";

/**
 * Opens one stream whose halves close independently: ending the writing side leaves the reading
 * side open. Rejects with the signal's reason, or with what the system says.
 */
export type Dial = (options: { signal: AbortSignal }) => Promise<Duplex>;

/** `env` is what programs that open streams are given of. Throws ConfigurationError. */
export function dialerFor(
  endpoint: Endpoint,
  env: Readonly<Record<string, string | undefined>>,
): Dial {
  switch (endpoint.kind) {
    case "unix":
      return ({ signal }) =>
        opened(connectTcp({ path: endpoint.path, allowHalfOpen: true }), "connect", signal);
    case "tcp":
      return ({ signal }) => dialTcp(endpoint, signal);
    case "ssh":
      return async ({ signal }) => {
        signal.throwIfAborted();
        return dialSsh(endpoint, env);
      };
    case "npipe":
      throw unusable(
        endpoint.address,
        "a script's input ends by closing one half of a connection, which this executable cannot " +
          "do with a named pipe; let the engine listen on tcp://, or reach it by ssh://",
      );
  }
}

async function dialTcp(
  endpoint: Endpoint & { readonly kind: "tcp" },
  signal: AbortSignal,
): Promise<Duplex> {
  const { host, port, tls } = endpoint;
  const to = { host, port, allowHalfOpen: true };
  if (tls === undefined) return await opened(withKeepAlive(connectTcp(to)), "connect", signal);
  const material = await readMaterial(tls);
  signal.throwIfAborted();
  return await opened(withKeepAlive(connectTls({ ...to, ...material })), "secureConnect", signal);
}

/** A host that vanishes without a word is noticed by these probes. */
const KEEP_ALIVE_MS = 15_000;

function withKeepAlive(socket: Socket): Socket {
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}

/** Files are read for each connection, so that renewed certificates are used. */
async function readMaterial(tls: EndpointTls) {
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "cert.pem", "key.pem"].map((name) => readIfThere(tls.certificateDirectory, name)),
  );
  return {
    rejectUnauthorized: tls.verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

async function readIfThere(
  directory: string | undefined,
  name: string,
): Promise<Buffer | undefined> {
  if (directory === undefined) return undefined;
  const path = join(directory, name);
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new ConfigurationError(`Cannot read the certificate file "${path}"`, { cause: error });
  }
}

/** An engine that does not answer in this time is not reachable; the system itself waits minutes. */
const LONGEST_CONNECT_MS = 20_000;

async function opened(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<Duplex> {
  const tooLong = () => new DeadlineExceeded("Connecting", LONGEST_CONNECT_MS);
  using limit = deadline(LONGEST_CONNECT_MS, tooLong, signal);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = () => reject(limit.signal.reason);
  // Stays for good: a socket without a listener for errors would end the process.
  socket.on("error", reject);
  socket.once(event, resolve);
  socket.once("close", () => reject(new Error("The connection was closed")));
  limit.signal.addEventListener("abort", giveUp, { once: true });
  try {
    limit.signal.throwIfAborted();
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    limit.signal.removeEventListener("abort", giveUp);
  }
}
