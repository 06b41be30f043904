/** Users of the program `ssh` who differ in what they know of a test's server. */

import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestSshd } from "../../../fixtures/sshd.ts";

/**
 * `friend` knows the server and is known to it, `sharing` also keeps one connection for all;
 * `stranger` has another key, `mistrusting` knows no host.
 */
export type SshUsers = Readonly<
  Record<"friend" | "sharing" | "stranger" | "mistrusting", UserEnv>
>;

type UserEnv = Readonly<Record<string, string>>;

export async function sshUsers({ directory, keys, knownHosts }: TestSshd): Promise<SshUsers> {
  return {
    friend: await userOf(keys.friend, knownHosts),
    sharing: await userOf(keys.friend, knownHosts, [
      ...["-o", "ControlMaster=auto", "-o", `ControlPath=${join(directory, "control")}`],
      ...["-o", "ControlPersist=2"],
    ]),
    stranger: await userOf(keys.stranger, knownHosts),
    mistrusting: await userOf(keys.friend, `${knownHosts}-of-nobody`),
  };
}

/** ssh finds a user's files by the user database, so these come through the program in PATH. */
async function userOf(
  key: string,
  known: string,
  more: readonly string[] = [],
): Promise<UserEnv> {
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
