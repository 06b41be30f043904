/** The certificate files of one connection: found, read, checked, and noticed when they change. */

import type { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf, messageOf } from "../errors.ts";
import type { Logger } from "../log/logger.ts";

/** Paths of PEM files as the operator configured them; undefined and "" mean none. */
export interface TlsFiles {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** What was read from the files. Parts that could not be used are absent. */
export interface TlsContents {
  /** The CA file verbatim. */
  readonly ca: string | undefined;
  /** The certificates in it. */
  readonly caCertificates: readonly string[];
  /** Client certificate (chain) and its key; present only if they belong together. */
  readonly pair: { readonly certificate: string; readonly key: string } | undefined;
}

/**
 * The files to use: what is configured, else `<directory>/<host>.crt`, `.auth.crt` and `.auth.key`.
 */
export function findTlsFiles(
  configured: TlsFiles,
  host: string,
  directory: string | undefined,
): TlsFiles {
  const beside = (suffix: string) =>
    directory === undefined ? undefined : join(directory, `${host}${suffix}`);
  return {
    caFile: configured.caFile || beside(".crt"),
    certFile: configured.certFile || beside(".auth.crt"),
    keyFile: configured.keyFile || beside(".auth.key"),
  };
}

/** Changes whenever one of the files is replaced, appears, or goes away. */
export function tlsFilesStamp(files: TlsFiles): string {
  return [files.caFile, files.certFile, files.keyFile].map(stampOf).join(" ");
}

function stampOf(path: string | undefined): string {
  try {
    const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    return found === undefined ? "-" : `${found.mtimeMs}/${found.size}/${found.ino}`;
  } catch (error) {
    return messageOf(error);
  }
}

/** Reads the files. What cannot be used is logged and left out, as GitLab Runner does. */
export function readTlsFiles(files: TlsFiles, logger: Logger): TlsContents {
  const ca = read(files.caFile, logger);
  const caCertificates = certificatesIn(ca ?? "");
  if (ca !== undefined && caCertificates.length === 0) {
    logger.error(`Cannot use CA file "${files.caFile}": it holds no PEM certificate`);
  }
  return { ca, caCertificates, pair: readPair(files, logger) };
}

function read(path: string | undefined, logger: Logger): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") {
      logger.error(`Cannot read certificate file "${path}"`, { error: messageOf(error) });
    }
    return undefined;
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

function certificatesIn(pem: string): string[] {
  return (pem.match(CERTIFICATE) ?? []).filter((block) => parse(block) !== undefined);
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new (nodeCrypto().X509Certificate)(pem);
  } catch {
    return undefined;
  }
}

/** Checked here, because the HTTP client calls an unusable pair a failure to connect. */
function readPair(files: TlsFiles, logger: Logger): TlsContents["pair"] {
  const certificate = read(files.certFile, logger);
  const key = read(files.keyFile, logger);
  if (certificate === undefined || key === undefined) return undefined;
  try {
    const { createPrivateKey, X509Certificate } = nodeCrypto();
    if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) {
      return { certificate, key };
    }
    logger.error(`Client key "${files.keyFile}" does not belong to "${files.certFile}"`);
  } catch (error) {
    logger.error(`Cannot use client certificate "${files.certFile}" with "${files.keyFile}"`, {
      error: messageOf(error),
    });
  }
  return undefined;
}

/** Loaded by the first file found: most helper commands have none and start the sooner. */
function nodeCrypto() {
  return process.getBuiltinModule("node:crypto");
}
