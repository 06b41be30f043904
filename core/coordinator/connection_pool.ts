/** Keep-alive connections of one coordinator and the certificates they are made with. */

import type { PeerCertificate } from "node:tls";
import type { TlsMaterial } from "../job/spec.ts";
import type { Logger } from "../log/logger.ts";
import { connectionFault } from "./fault.ts";
import { bareHost, type Environment, proxyFor } from "./proxy.ts";
import {
  findTlsFiles,
  readTlsFiles,
  type TlsContents,
  type TlsFiles,
  tlsFilesStamp,
} from "./tls_files.ts";

/** Seconds an unused connection stays open. */
const IDLE_SECONDS = 90;

export interface ConnectionPoolOptions {
  /** The host that client certificate and TLS material belong to. */
  readonly url: URL;
  readonly tls: TlsFiles;
  /** `<config dir>/certs`; undefined to use configured files only. */
  readonly certificatesDirectory?: string | undefined;
  readonly env: Environment;
  /** Connections are not reused after this time; 0 and less mean for ever. */
  readonly maxAgeMs: number;
  readonly logger: Logger;
}

interface Connections {
  readonly openedAt: number;
  readonly stamp: string;
  readonly contents: TlsContents;
  readonly home: Bun.FetchSession;
}

/**
 * Connections are made anew when a certificate file changes or the pool grows old; requests in
 * flight finish on the old ones.
 */
export class ConnectionPool implements Disposable {
  readonly #options: ConnectionPoolOptions;
  readonly #files: TlsFiles;
  #connections: Connections | undefined;
  #abroad: Bun.FetchSession | undefined;
  /** Fingerprint of the certificate that the newest connection to the coordinator showed. */
  #leaf: string | undefined;
  #chain: { readonly leaf: string | undefined; readonly pem: string } | undefined;

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
    this.#files = findTlsFiles(
      options.tls,
      bareHost(options.url),
      options.certificatesDirectory,
    );
  }

  /** Connections for `url`. Only the coordinator itself is shown the client certificate. */
  sessionFor(url: URL): Bun.FetchSession {
    const { home, contents } = this.#current();
    if (this.#isHome(url)) return home;
    this.#abroad ??= new Bun.FetchSession({ keepAlive: false, tls: security(contents) });
    return this.#abroad;
  }

  /** PEM texts for a job on https: the CA (else the coordinator's chain) and the client pair. */
  async tlsMaterial(): Promise<TlsMaterial> {
    if (this.#options.url.protocol !== "https:") return {};
    const { contents } = this.#current();
    const caChain = await this.#caChain(contents);
    const { pair } = contents;
    return {
      ...(caChain === undefined ? {} : { caChain }),
      ...(pair === undefined ? {} : { certificate: pair.certificate, key: pair.key }),
    };
  }

  /** A server's certificates by a handshake of its own; throws TLS's error when it fails. */
  async serverChain(url: URL, options: { signal?: AbortSignal } = {}): Promise<string> {
    const { contents } = this.#current();
    const { serverChain } = await import("./tls_handshake.ts");
    return await serverChain(url, {
      ca: authorities(contents),
      pair: this.#isHome(url) ? contents.pair : undefined,
      proxy: proxyFor(url, this.#options.env),
      signal: options.signal,
    });
  }

  [Symbol.dispose](): void {
    this.#connections?.home.close();
    this.#abroad?.close();
  }

  #isHome(url: URL): boolean {
    return url.origin === this.#options.url.origin;
  }

  #current(): Connections {
    const { maxAgeMs, logger, url } = this.#options;
    const stamp = tlsFilesStamp(this.#files);
    const now = performance.now();
    const old = this.#connections;
    const isSame = old?.stamp === stamp;
    if (old && isSame && (maxAgeMs <= 0 || now - old.openedAt <= maxAgeMs)) return old;
    this[Symbol.dispose]();
    this.#abroad = undefined;
    const contents = old && isSame ? old.contents : readTlsFiles(this.#files, logger);
    const home = new Bun.FetchSession({
      keepAlive: { idleTimeout: IDLE_SECONDS },
      ...(url.protocol === "https:" ? { tls: this.#homeSecurity(contents) } : {}),
    });
    this.#connections = { openedAt: now, stamp, contents, home };
    return this.#connections;
  }

  #homeSecurity(contents: TlsContents) {
    const { pair } = contents;
    return {
      ...security(contents),
      ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
      checkServerIdentity: (host: string, certificate: PeerCertificate) => {
        this.#leaf = certificate.fingerprint256;
        return nodeTls().checkServerIdentity(host, certificate);
      },
    };
  }

  /** Reading the chain costs a handshake, so it is kept until the coordinator's certificate changes. */
  async #caChain(contents: TlsContents): Promise<string | undefined> {
    const { url, logger } = this.#options;
    if (contents.ca !== undefined) return contents.ca;
    const leaf = this.#leaf;
    if (this.#chain !== undefined && this.#chain.leaf === leaf) return this.#chain.pem;
    try {
      const pem = await this.serverChain(url);
      this.#chain = { leaf, pem };
      return pem;
    } catch (error) {
      logger.warning(
        "Cannot read the coordinator's certificates, CI_SERVER_TLS_CA_FILE is not set",
        {
          error: connectionFault(error, url, undefined).message,
        },
      );
      return undefined;
    }
  }
}

function security(contents: TlsContents) {
  // Said explicitly, because NODE_TLS_REJECT_UNAUTHORIZED would change the default.
  return { ca: authorities(contents), rejectUnauthorized: true };
}

/** Own authorities come on top of the system's and the well-known ones. */
function authorities(contents: TlsContents): string[] {
  const { getCACertificates, rootCertificates } = nodeTls();
  return [...getCACertificates("system"), ...rootCertificates, ...contents.caCertificates];
}

/** Loaded by the first https connection: it takes milliseconds that a plain one need not wait. */
function nodeTls() {
  return process.getBuiltinModule("node:tls");
}
