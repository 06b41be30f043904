/** An OpenSSH server of a test's own on a loopback port, with keys that nothing else knows. */

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SSHD = "/usr/sbin/sshd";

/** Why tests cannot have a server here; undefined: they can. */
export function missingForSshd(): string | undefined {
  if (process.getuid?.() !== 0) return "it needs root";
  const programs = [SSHD, "ssh", "ssh-keygen"];
  const missing = programs.find((program) => Bun.which(program) === null);
  return missing === undefined ? undefined : `${missing} is not installed`;
}

export interface TestSshd extends AsyncDisposable {
  /** `ssh://root@127.0.0.1:port`. */
  readonly address: string;
  /**
   * Whose `ssh` knows the server and the key; `sharing` keeps one connection for all; `stranger` has
   * another key, `mistrusting` knows no host.
   */
  readonly env: Readonly<
    Record<"friend" | "sharing" | "stranger" | "mistrusting", Record<string, string>>
  >;
}

export async function startSshd(): Promise<TestSshd> {
  const directory = await mkdtemp(join(tmpdir(), "sshd-"));
  const at = (name: string) => join(directory, name);
  for (const key of ["host", "friend", "stranger"]) {
    Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at(key)]);
  }
  const port = await freePort();
  await writeFile(at("authorized"), await readFile(at("friend.pub")));
  await writeFile(at("known"), `[127.0.0.1]:${port} ${await readFile(at("host.pub"), "utf8")}`);
  await writeFile(
    at("config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${at("host")}`,
      `AuthorizedKeysFile ${at("authorized")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "MaxStartups 100",
    ].join("\n"),
  );
  await mkdir("/run/sshd", { recursive: true });
  const log = at("log");
  const server = Bun.spawn([SSHD, "-D", "-e", "-f", at("config")], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(log),
  });
  for (let waits = 0; !(await readFile(log, "utf8")).includes("Server listening"); waits++) {
    if (waits > 100 || server.exitCode !== null) {
      throw new Error(`sshd does not start:\n${await readFile(log, "utf8")}`);
    }
    await Bun.sleep(50);
  }
  return {
    address: `ssh://root@127.0.0.1:${port}`,
    env: {
      friend: await userOf(at("friend"), at("known")),
      sharing: await userOf(at("friend"), at("known"), [
        ...["-o", "ControlMaster=auto", "-o", `ControlPath=${at("control")}`],
        ...["-o", "ControlPersist=2"],
      ]),
      stranger: await userOf(at("stranger"), at("known")),
      mistrusting: await userOf(at("friend"), at("nobody")),
    },
    async [Symbol.asyncDispose]() {
      server.kill();
      await server.exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** ssh finds a user's files by the user database, so these come through the program in PATH. */
async function userOf(
  key: string,
  known: string,
  more: readonly string[] = [],
): Promise<Record<string, string>> {
  const bin = await mkdtemp(`${key}-bin-`);
  const options = [
    ...["-F", "none", "-i", key, "-o", "IdentitiesOnly=yes"],
    ...["-o", `UserKnownHostsFile=${known}`, "-o", "GlobalKnownHostsFile=none"],
    ...["-o", "StrictHostKeyChecking=yes"],
    ...more,
  ];
  const program = Bun.which("ssh");
  await writeFile(join(bin, "ssh"), `#!/bin/sh\nexec ${program} ${options.join(" ")} "$@"\n`);
  await chmod(join(bin, "ssh"), 0o755);
  return { PATH: `${bin}:${process.env["PATH"]}`, HOME: "/nonexistent" };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
