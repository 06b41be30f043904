/**
 * Lets ssh2 1.17, which knows no certificates, go on where a server has shown one that was found to be
 * good. What ssh2 then checks is what it always does: that the server signs this connection's secrets
 * with its key. This reaches into ssh2's own objects; where a later ssh2 is made otherwise, the
 * signature does not fit and the connection is refused.
 */

import type { Client } from "ssh2";
import { CERTIFICATE_ALGORITHMS, certificateType, plainAlgorithm } from "./host_certificate.ts";

/** The part of ssh2's exchange of keys that is not in its types; a connection may have many. */
interface Exchange {
  readonly negotiated: { serverHostKey: string };
  _hostKey: Buffer | undefined;
}

/** Makes ssh2 offer certificates to servers. Once is enough, more does no harm. */
export async function allowCertificates(): Promise<void> {
  // @ts-expect-error: ssh2 has no types for its parts.
  const { default: constants } = await import("ssh2/lib/protocol/constants.js");
  const supported: string[] = constants.SUPPORTED_SERVER_HOST_KEY;
  for (const name of CERTIFICATE_ALGORITHMS) if (!supported.includes(name)) supported.push(name);
}

/** Of one client. */
export class CertifiedExchange {
  #exchange: Exchange | undefined;
  /** What the server has agreed to sign with. */
  #algorithm = "";

  /** To be called right after `connect`, before anything can have come from the server. */
  watch(client: Client): void {
    const { _protocol: protocol } = client as unknown as { readonly _protocol: object };
    Object.defineProperty(protocol, "_kex", {
      get: () => this.#exchange,
      set: (exchange: Exchange) => {
        this.#exchange = exchange;
        const { negotiated } = exchange;
        this.#algorithm = negotiated.serverHostKey;
        // A certificate names the key's type, which for RSA is not how it signs.
        if (CERTIFICATE_ALGORITHMS.includes(this.#algorithm)) {
          negotiated.serverHostKey = certificateType(this.#algorithm);
        }
      },
    });
  }

  /**
   * To be called from the host verifier: the secrets that are signed include the certificate, and the
   * signature is made with the plain key. ssh2 asks for the first to hash it, then to read the key.
   */
  goOnWith(plain: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const certificate = exchange._hostKey;
    let reads = 0;
    Object.defineProperty(exchange, "_hostKey", {
      get: () => reads++ === 0 ? certificate : plain,
      set: () => {},
    });
    exchange.negotiated.serverHostKey = plainAlgorithm(this.#algorithm);
  }
}
