/** The container engine of this machine, where it is not at Docker's usual place. */

import { existsSync } from "node:fs";
import { join } from "node:path";

const USUAL = "/var/run/docker.sock";

/** For `[runners.docker] host`; undefined: the usual place, or what `DOCKER_HOST` says. */
export function engineHost(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  if (env["DOCKER_HOST"] || process.platform === "win32" || exists(USUAL)) return undefined;
  const runtime = env["XDG_RUNTIME_DIR"];
  const others = [
    ...(runtime ? [join(runtime, "docker.sock"), join(runtime, "podman/podman.sock")] : []),
    join(home, ".docker/run/docker.sock"),
    "/run/podman/podman.sock",
  ];
  const found = others.find((path) => exists(path));
  return found === undefined ? undefined : `unix://${found}`;
}
