/** The container engine of this machine, where it is not at Docker's usual place. */

import { accessSync, constants, realpathSync } from "node:fs";
import { join } from "node:path";

const USUAL = "/var/run/docker.sock";

export type EngineKind = "docker" | "podman";

/** By the name of its socket, which may be a link. `host` is undefined for the usual place. */
export function engineKind(
  host: string | undefined,
  resolve: (path: string) => string = realpathSync,
): EngineKind {
  const path = (host || USUAL).replace(/^unix:\/\//, "");
  try {
    return resolve(path).includes("podman") ? "podman" : "docker";
  } catch {
    return path.includes("podman") ? "podman" : "docker";
  }
}

export interface EngineSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Undefined where users have no number (Windows). */
  readonly uid: number | undefined;
  /** Whether this user may open the socket. */
  readonly mayOpen?: (path: string) => boolean;
}

/**
 * For `[runners.docker] host`; undefined: the usual place, or what `DOCKER_HOST` says. A user who may
 * not open Docker's own socket may have an engine without root: Docker's or podman's.
 */
export function engineHost(
  { env, home, uid, mayOpen = isWritable }: EngineSearch,
): string | undefined {
  if (env["DOCKER_HOST"] || uid === undefined || mayOpen(USUAL)) return undefined;
  const runtime = env["XDG_RUNTIME_DIR"] || `/run/user/${uid}`;
  const others = [
    join(runtime, "docker.sock"),
    join(runtime, "podman/podman.sock"),
    join(home, ".docker/run/docker.sock"),
    "/run/podman/podman.sock",
  ];
  const found = others.find(mayOpen);
  return found === undefined ? undefined : `unix://${found}`;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
