/** Whole jobs over HTTPS, with an authority and certificates of one's own. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Certificate, makeCertificate } from "./certificates.ts";
import { expectSuccess, Lab } from "./lab.ts";

const directory = mkdtempSync(join(tmpdir(), "job-tls-"));
let server: Certificate;
let client: Certificate;
beforeAll(async () => {
  server = await makeCertificate(join(directory, "server"));
  client = await makeCertificate(join(directory, "client"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Everything of one job that speaks to the coordinator, and what a script does with git itself. */
async function runEverything(lab: Lab): Promise<void> {
  const { path, sha } = lab.repositories.withSubmodule;
  const maker = await lab.run({
    name: "maker",
    repository: { path, sha },
    variables: { GIT_SUBMODULE_STRATEGY: "recursive" },
    script: [
      "stat -c 'mode %a' \"$CI_SERVER_TLS_CA_FILE\"",
      "git fetch -q origin && echo fetched",
      "git -C lib/nested fetch -q origin && echo fetched in the submodule",
    ],
    artifacts: [{ paths: ["README.md"], artifact_type: "archive", artifact_format: "zip" }],
  });
  expectSuccess(maker);
  expect(maker.lines).toContain("mode 600");
  expect(maker.lines).toContain("fetched");
  expect(maker.lines).toContain("fetched in the submodule");
  const taker = await lab.run({
    variables: { GIT_STRATEGY: "empty" },
    dependencies: [maker.job.id],
    script: "cat README.md",
  });
  expectSuccess(taker);
  expect(taker.lines).toContain("parent");
}

test("tls-ca-file holds for git, submodules, artifacts and the script", async () => {
  await using lab = await Lab.open({
    coordinator: { tls: { cert: server.cert, key: server.key } },
    entry: [`tls-ca-file = "${server.certPath}"`],
  });
  await runEverything(lab.start());
});

test("a client certificate is shown by everything that speaks to the coordinator", async () => {
  const tls = { requestCert: true, rejectUnauthorized: true, ca: client.cert };
  await using lab = await Lab.open({
    coordinator: { tls: { cert: server.cert, key: server.key, ...tls } },
    entry: [
      `tls-ca-file = "${server.certPath}"`,
      `tls-cert-file = "${client.certPath}"`,
      `tls-key-file = "${join(directory, "client", "key.pem")}"`,
    ],
  });
  await runEverything(lab.start());
});
