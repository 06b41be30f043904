/** Whether the key that a server shows is the one it should have. */

import { readFile } from "node:fs/promises";
import { codeOf, messageOf } from "../errors.ts";
import { fingerprint, type HostKey, hostKeyAlgorithms } from "./host_key.ts";
import { knownServer, parseKnownHosts, serverName } from "./known_hosts.ts";
import { SshRefusal } from "./refusal.ts";

/** Which keys of a server are good. `any` accepts whoever answers: the operator has asked for it. */
export type HostTrust =
  | { readonly kind: "any" }
  | { readonly kind: "known-hosts"; readonly path: string };

export interface HostVerifier {
  /** To ask the server for, best first. */
  readonly algorithms: readonly string[];
  /** Why the key is refused; undefined: it is good. */
  refusal(key: HostKey): string | undefined;
}

/** Reads the file anew each time: an operator may have just added the server. Throws SshRefusal. */
export async function hostVerifier(
  trust: HostTrust,
  server: { readonly host: string; readonly port: number },
): Promise<HostVerifier> {
  if (trust.kind === "any") {
    return { algorithms: hostKeyAlgorithms(new Set()), refusal: () => undefined };
  }
  const { path } = trust;
  const { host, port } = server;
  const known = knownServer(parseKnownHosts(await readText(path)), host, port);
  const name = serverName(host, port);
  return {
    algorithms: hostKeyAlgorithms(new Set(known.keys.map(({ type }) => type))),
    refusal(key) {
      if (known.revoked.some(({ base64 }) => base64 === key.base64)) {
        return `"${name}" shows the ${key.type} key ${fingerprint(key)}, which "${path}" revokes`;
      }
      if (known.keys.some(({ base64 }) => base64 === key.base64)) return undefined;
      const shown = `its ${key.type} key has the fingerprint ${fingerprint(key)}`;
      if (known.onlyCertified) {
        return `"${path}" has only a @cert-authority for "${name}", and certificates are not ` +
          `supported: add the server's own key; ${shown}`;
      }
      const scan = `ssh-keyscan${port === 22 ? "" : ` -p ${port}`} ${host} >> ${path}`;
      if (known.keys.length === 0) {
        return `"${path}" has no key of "${name}": ${shown}. If that is right, add it: ${scan}`;
      }
      const expected = known.keys.map((each) =>
        `${each.type} ${fingerprint(each)} (line ${each.line})`
      );
      return `the key of "${name}" has changed, or somebody else answers in its place: ${shown}, ` +
        `and "${path}" expects ${expected.join(" or ")}. If the change is meant, replace that line`;
    },
  };
}

/** A file that is not there knows nobody. */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return "";
    throw new SshRefusal(`Cannot read known_hosts "${path}": ${messageOf(cause)}`, { cause });
  }
}
