/** Whether the key that a server shows is the one it should have. */

import { readFile } from "node:fs/promises";
import { codeOf, messageOf } from "../errors.ts";
import {
  CERTIFICATE_ALGORITHMS,
  certificateRefusal,
  isCertificate,
  parseHostCertificate,
} from "./host_certificate.ts";
import { fingerprint, type HostKey, hostKey, hostKeyAlgorithms } from "./host_key.ts";
import { type KnownServer, knownServer, parseKnownHosts, serverName } from "./known_hosts.ts";
import { SshRefusal } from "./refusal.ts";

/** Which keys of a server are good. `any` accepts whoever answers: the operator has asked for it. */
export type HostTrust =
  | { readonly kind: "any" }
  | { readonly kind: "known-hosts"; readonly path: string };

export interface HostVerifier {
  /** To ask the server for, best first. */
  readonly algorithms: readonly string[];
  /** Judges what the server has shown: its key, or a certificate of it. */
  judge(wire: Buffer): HostJudgement;
}

export type HostJudgement =
  | { readonly kind: "refused"; readonly why: string }
  /** `key`: the server's, as it goes over the wire; `isCertified`: a certificate was shown. */
  | { readonly kind: "good"; readonly key: Buffer; readonly isCertified: boolean };

/** Reads the file anew each time: an operator may have just added the server. Throws SshRefusal. */
export async function hostVerifier(
  trust: HostTrust,
  server: { readonly host: string; readonly port: number },
): Promise<HostVerifier> {
  if (trust.kind === "any") {
    return {
      algorithms: hostKeyAlgorithms(new Set()),
      judge: (key) => ({ kind: "good", key, isCertified: false }),
    };
  }
  const known = knownServer(parseKnownHosts(await readText(trust.path)), server.host, server.port);
  const book = { ...server, path: trust.path, known };
  const types = new Set(known.keys.map(({ type }) => type));
  return {
    algorithms: [
      ...(known.authorities.length === 0 ? [] : CERTIFICATE_ALGORITHMS),
      ...hostKeyAlgorithms(types),
    ],
    judge(wire) {
      const isCertified = isCertificate(hostKey(wire));
      const { key, why } = isCertified ? judgeCertificate(wire, book) : {
        key: wire,
        why: keyRefusal(hostKey(wire), book),
      };
      return why === undefined ? { kind: "good", key, isCertified } : { kind: "refused", why };
    },
  };
}

/** What is known of the server at an address, and from where. */
interface Book {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly known: KnownServer;
}

function judgeCertificate(wire: Buffer, book: Book): { key: Buffer; why: string | undefined } {
  const { host, port, path, known: { keys, authorities, revoked } } = book;
  const name = serverName(host, port);
  try {
    const certificate = parseHostCertificate(wire);
    const { key, authority } = certificate;
    const banned = [key, authority].map(hostKey).find(({ base64 }) =>
      revoked.some((each) => each.base64 === base64)
    );
    if (banned !== undefined) return { key, why: revocation(name, banned, path) };
    // As OpenSSH: whose key is known needs nobody to vouch for it.
    if (keys.some(({ base64 }) => base64 === hostKey(key).base64)) return { key, why: undefined };
    const refusal = certificateRefusal(certificate, { host, authorities, now: Date.now() });
    if (refusal === undefined) return { key, why: undefined };
    const wanted = authorities.map(fingerprint).join(" or ");
    return { key, why: `"${name}" shows ${refusal}; "${path}" trusts the authority ${wanted}` };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { key: wire, why: `"${name}" shows a certificate that is broken: ${error.message}` };
  }
}

function keyRefusal(key: HostKey, { host, port, path, known }: Book): string | undefined {
  const name = serverName(host, port);
  if (known.revoked.some(({ base64 }) => base64 === key.base64)) return revocation(name, key, path);
  if (known.keys.some(({ base64 }) => base64 === key.base64)) return undefined;
  const shown = `its ${key.type} key has the fingerprint ${fingerprint(key)}`;
  if (known.keys.length === 0 && known.authorities.length > 0) {
    return `"${path}" has a @cert-authority for "${name}", which shows no certificate: ` +
      `${shown}. Give the server one, or add its key`;
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
}

function revocation(name: string, key: HostKey, path: string): string {
  return `"${name}" shows the ${key.type} key ${fingerprint(key)}, which "${path}" revokes`;
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
