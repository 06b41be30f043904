import { describe, expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeImage, missingForDocker, startEngine } from "../dockerd.ts";
import { makeCertificates } from "./certificates.ts";

const missing = missingForDocker() ??
  (Bun.which("openssl") === null ? "openssl is not installed" : undefined);

describe.skipIf(missing !== undefined)(
  missing ? `Engine over TLS: NOT RUN, ${missing}` : "Engine over TLS",
  () => {
    test("is spoken to with certificates, half closed for input, and refused without", async () => {
      const directory = await mkdtemp(join(tmpdir(), "engine-tls-"));
      const strangers = join(directory, "strangers");
      try {
        await mkdir(strangers);
        const ours = await makeCertificates(directory);
        const stranger = await makeCertificates(strangers);
        // The engine knows this client, but the client does not know the engine.
        const mistrusting = join(directory, "mistrusting");
        await cp(ours.client, mistrusting, { recursive: true });
        await cp(join(stranger.client, "ca.pem"), join(mistrusting, "ca.pem"));
        await using daemon = await startEngine({
          args: [
            ...["-H", "tcp://127.0.0.1:2376", "--tlsverify"],
            ...["--tlscacert", join(ours.server, "ca.pem")],
            ...["--tlscert", join(ours.server, "cert.pem")],
            ...["--tlskey", join(ours.server, "key.pem")],
          ],
        });
        const image = await makeImage("busybox.sh", daemon.host);
        const client = Bun.spawn([
          ...["nsenter", `--net=/proc/${daemon.pid}/ns/net`, process.execPath],
          ...[join(import.meta.dir, "tls_client.ts"), image],
          ...[ours.client, stranger.client, mistrusting],
        ], { stderr: "pipe" });
        const [told, faults] = await Promise.all([
          new Response(client.stdout).text(),
          new Response(client.stderr).text(),
        ]);
        expect(faults).toBe("");
        expect(JSON.parse(told)).toEqual({
          exitCode: 0,
          stdout: "3000000\nafter\n",
          unchecked: "no error",
          strangeAuthority: "unreachable",
          strangeUnchecked: "no error",
          strangeClient: "unreachable",
          withoutCertificate: "unreachable",
          plain: "bad-request",
        });
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    }, 60_000);
  },
);
