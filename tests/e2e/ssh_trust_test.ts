/** Whom the ssh executor trusts, and how long it tries, from the executable to servers of all kinds. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { freePort } from "../fixtures/free_port.ts";
import { missingForSshd, startSshd, type TestSshd } from "../fixtures/sshd.ts";
import { expectFailure, expectSuccess } from "./lab.ts";
import { openSshLab } from "./ssh_lab.ts";

setDefaultTimeout(60_000);

const missing = missingForSshd();

if (missing === undefined) describe("ssh executor and whom it trusts", suite);
else test.skip(`ssh executor and whom it trusts: NOT RUN, ${missing}`, () => {});

/** Three tries, each within the limit of a handshake, the pauses between them and the machine's load. */
const GIVEN_UP_MS = 45_000;

function suite(): void {
  let sshd: TestSshd;
  beforeAll(async () => void (sshd = await startSshd({ hostKeys: ["ed25519", "rsa", "ecdsa"] })));
  afterAll(async () => await sshd?.[Symbol.asyncDispose]());

  const lines = (marker = "") =>
    sshd.publicKeys.map((key) => `${marker}[127.0.0.1]:${sshd.port} ${key}\n`).join("");

  async function run(known: string) {
    const path = `${sshd.directory}/known-${crypto.randomUUID()}`;
    writeFileSync(path, known);
    if (known.startsWith("hash ")) {
      writeFileSync(path, lines());
      expect(Bun.spawnSync(["ssh-keygen", "-q", "-H", "-f", path]).exitCode).toBe(0);
      expect(await Bun.file(path).text()).toStartWith("|1|");
    }
    await using lab = (await openSshLab(sshd, { known_hosts_file: path })).start();
    return await lab.run({ script: ["echo let in"] });
  }

  test.each([
    ["one with hashed names", () => "hash "],
    ["one with plain names", () => lines()],
    ["one with a pattern", () => lines().replaceAll("127.0.0.1", "127.0.*")],
  ])("known_hosts: %s vouches for the server", async (_what, known) => {
    const job = await run(known());
    expectSuccess(job);
    expect(job.lines).toContain("let in");
  });

  test("known_hosts: nothing else in it lets a job run", async () => {
    const files = [
      ["", "has no key of"],
      [lines().replaceAll(String(sshd.port), "22"), "has no key of"],
      [lines("@revoked ") + lines(), "revoke"],
    ] as const;
    await Promise.all(files.map(async ([known, why]) => {
      const job = await run(known);
      expectFailure(job, "runner_system_failure");
      expect(job.plain).not.toContain("let in");
      expect(job.plain).toMatch(/ERROR: Job failed \(system failure\): .*Cannot connect to "root@/);
      expect(job.plain).toMatch(new RegExp(why, "i"));
    }));
  });

  test("disable_strict_host_key_checking takes any key", async () => {
    const ssh = {
      known_hosts_file: `${sshd.directory}/nowhere`,
      disable_strict_host_key_checking: true,
    };
    await using lab = (await openSshLab(sshd, ssh)).start();
    expectSuccess(await lab.run({ script: ["true"] }));
  });

  test("what a script is ended by is told exactly", async () => {
    await using lab = (await openSshLab(sshd)).start();
    for (const [signal, code] of [["KILL", 137], ["SEGV", 139]] as const) {
      const job = await lab.run({ script: [`kill -${signal} $$`] });
      expectFailure(job, "script_failure", code);
      expect(job.lines).toContain(`ERROR: Job failed: Process exited with status ${code}`);
    }
  });

  test("where nobody listens, a few attempts are all", async () => {
    await using its = (await openSshLab({ ...sshd, port: freePort() })).start();
    const started = performance.now();
    const job = await its.run({ script: ["true"] });
    expectFailure(job, "runner_system_failure");
    expect(performance.now() - started).toBeLessThan(GIVEN_UP_MS);
    expect(job.plain).toMatch(/Cannot connect to "root@127\.0\.0\.1:\d+": .*ECONNREFUSED/);
  });
}
