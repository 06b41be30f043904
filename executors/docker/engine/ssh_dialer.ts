/** Streams to an engine on another host, as Docker's own client opens them: through `ssh`. */

import type { Duplex } from "node:stream";
import { openProcessStream } from "../../../core/util/process_stream.ts";
import type { Endpoint } from "./endpoint.ts";
import { EngineError } from "./engine_error.ts";

/** What ssh and the agent that holds the keys need, and nothing of the manager's own. */
const SSH_VARIABLE = /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TMPDIR|SSH_AUTH_SOCK)$/;

/**
 * One ssh per stream, of the user who runs this process: keys, known hosts and everything else are
 * that program's. A question it would ask a terminal is a failure.
 */
export function dialSsh(
  endpoint: Endpoint & { readonly kind: "ssh" },
  env: Readonly<Record<string, string | undefined>>,
): Duplex {
  const command = sshCommand(endpoint);
  return openProcessStream({
    argv: command,
    env: Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] =>
        entry[1] !== undefined && SSH_VARIABLE.test(entry[0])
      ),
    ),
    failure: (why, hasAnswered) =>
      hasAnswered ? EngineError.lost(endpoint.address, new Error(why)) : new EngineError(
        "unreachable",
        `Cannot reach the Docker Engine at "${endpoint.address}": ${why}; ` +
          `check that "${command.join(" ")}" works for the user of this process`,
      ),
  });
}

/** Words of a host are checked by the endpoint: none of them can be an option. */
function sshCommand(endpoint: Endpoint & { readonly kind: "ssh" }): [string, ...string[]] {
  const { user, host, port, socket } = endpoint;
  return [
    "ssh",
    ...["-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-T"],
    // A host that vanishes without a word is noticed within a minute.
    ...["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"],
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...["--", host, "docker"],
    ...(socket === undefined ? [] : ["--host", `unix://${socket}`]),
    ...["system", "dial-stdio"],
  ];
}
