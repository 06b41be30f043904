/** What runs of `exec` leave in the engine that they used. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ExecLab } from "./exec_lab.ts";

/** Caches and checkouts stay for the next run on purpose; here there is none. */
export function removeVolumes(lab: ExecLab): void {
  const env = lab.env;
  const { stdout } = Bun.spawnSync(["docker", "volume", "ls", "-q"], { env });
  const names = stdout.toString().split("\n").filter((name) => name !== "");
  const digest = digestOf(lab);
  if (digest === "" || names.length === 0) return;
  const inspected = Bun.spawnSync(["docker", "volume", "inspect", ...names], { env }).stdout
    .toString();
  const volumes: readonly { readonly Name: string }[] = JSON.parse(inspected);
  const own = volumes.filter((volume) => JSON.stringify(volume).includes(digest));
  if (own.length > 0) {
    Bun.spawnSync(["docker", "volume", "rm", ...own.map(({ Name }) => Name)], { env });
  }
}

/** Part of the names of everything that the lab's runs make. */
export function digestOf(lab: ExecLab): string {
  const places = join(lab.env["HOME"] ?? "", ".local/state/gitlab-runner/exec");
  return existsSync(places) ? readdirSync(places)[0]?.split("-").at(-1)?.slice(0, 9) ?? "" : "";
}
