/** `health-check`: waits until a service accepts TCP connections. */

import { ConfigurationError } from "../errors.ts";
import { abortable, delay, link } from "../util/abort.ts";
import type { HelperCommand, HelperContext } from "./helper_command.ts";

interface Address {
  readonly hostname: string;
  readonly port: number;
}

export const healthCheck: HelperCommand = {
  name: "health-check",
  summary: "check health for a specific address (internal)",
  flags: [{ name: "port", short: "p", type: "list", help: "Port of this machine to wait for" }],
  async run(values, context) {
    const ports = values.list("port").map(parsePort);
    if (ports.length > 0) {
      const local = ports.map((port) => ({ hostname: "localhost", port }));
      await Promise.all(local.map((address) => waitForAny([address], context)));
      return 0;
    }
    const addresses = linkedAddresses(context.env);
    if (addresses.length === 0) throw new ConfigurationError("No HOST or PORT found");
    await waitForAny(addresses, context);
    return 0;
  },
};

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw new ConfigurationError(`Invalid port "${text}": use a number from 1 to 65535`);
}

/** Docker links name a service as `<ALIAS>_PORT_<number>_TCP_ADDR` and `…_TCP_PORT`. */
function linkedAddresses(env: HelperContext["env"]): readonly Address[] {
  return Object.entries(env).flatMap(([name, hostname]): Address[] => {
    if (!name.endsWith("_TCP_ADDR") || !hostname) return [];
    const port = env[name.replace(/_TCP_ADDR$/, "_TCP_PORT")];
    return port ? [{ hostname, port: parsePort(port) }] : [];
  });
}

/** A refused connection is answered at once: a service needs longer than this to come up. */
const PAUSE_MS = 250;

/** Resolves with the first success. The caller's deadline ends it otherwise. */
async function waitForAny(
  addresses: readonly Address[],
  { stdout, signal }: HelperContext,
): Promise<void> {
  const found = new AbortController();
  const unlink = link(signal, found);
  try {
    await Promise.race(addresses.map((address) => waitFor(address, stdout, found.signal)));
  } finally {
    unlink();
    found.abort(new Error("one address is enough"));
  }
}

async function waitFor(
  address: Address,
  stdout: HelperContext["stdout"],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    stdout.write(`dialing ${address.hostname}:${address.port}...\n`);
    // A host that drops what comes to it is given up by the system only after minutes.
    if (await abortable(accepts(address), signal)) return;
    await delay(PAUSE_MS, { signal });
  }
}

async function accepts({ hostname, port }: Address): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname, port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
