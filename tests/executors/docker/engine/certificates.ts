/** Certificates for an engine on 127.0.0.1 and its client, as Docker names their files. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Certificates {
  /** Hold `ca.pem`, `cert.pem` and `key.pem`. */
  readonly server: string;
  readonly client: string;
}

/** Each call has an authority of its own. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const authority = join(directory, "authority");
  await mkdir(authority);
  const [key, cert] = [join(authority, "key.pem"), join(authority, "ca.pem")];
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...ec, "-keyout", key, "-out", cert, "-subj", "/CN=authority");
  for (const [name, usage] of [["server", "serverAuth"], ["client", "clientAuth"]] as const) {
    const into = join(directory, name);
    await mkdir(into);
    const extensions = join(into, "extensions");
    await writeFile(extensions, `subjectAltName=IP:127.0.0.1\nextendedKeyUsage=${usage}\n`);
    const request = join(into, "request.pem");
    const subject = ["-subj", `/CN=${name}`];
    openssl("req", ...ec, "-keyout", join(into, "key.pem"), "-out", request, ...subject);
    const signed = ["-CA", cert, "-CAkey", key, "-CAcreateserial", "-extfile", extensions];
    openssl("x509", "-req", "-in", request, ...signed, "-out", join(into, "cert.pem"));
    await Bun.write(join(into, "ca.pem"), Bun.file(cert));
  }
  return { server: join(directory, "server"), client: join(directory, "client") };
}

function openssl(...args: string[]): void {
  const run = Bun.spawnSync(["openssl", ...args]);
  if (run.exitCode !== 0) throw new Error(run.stderr.toString());
}
