/** Certificates for servers on loopback, made by openssl. */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { output } from "./lab.ts";

export interface Certificate {
  readonly certPath: string;
  readonly cert: string;
  readonly key: string;
}

/** A self-signed certificate for 127.0.0.1; one in the past when `expired`. */
export async function makeCertificate(
  directory: string,
  options: { expired?: boolean } = {},
): Promise<Certificate> {
  mkdirSync(directory, { recursive: true });
  const key = join(directory, "key.pem");
  const request = join(directory, "request.pem");
  const certPath = join(directory, "cert.pem");
  const extensions = join(directory, "extensions");
  await Bun.write(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const subject = ["-subj", "/CN=127.0.0.1"];
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await output(["openssl", "req", ...newKey, "-keyout", key, "-out", request, ...subject]);
  // A negative number of days ends the validity before it begins, which every client calls expired.
  const days = options.expired === true ? "-1" : "30";
  await output([
    "openssl",
    "x509",
    "-req",
    ...["-in", request, "-signkey", key, "-days", days, "-extfile", extensions, "-out", certPath],
  ]);
  return { certPath, cert: readFileSync(certPath, "utf8"), key: readFileSync(key, "utf8") };
}
