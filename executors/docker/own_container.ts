/** The container that this process runs in, as an engine knows it. */

import { readFileSync } from "node:fs";
import type { ContainerDetails, Engine } from "./engine/mod.ts";

/** One start of a container: what ran in it is gone when that is over. */
export interface ContainerStart {
  readonly id: string;
  /** The engine's words. */
  readonly startedAt: string;
}

/** Files that Docker and podman mount into every container, from a folder that has its id as a name. */
const MOUNTED = /\/([0-9a-f]{64})\/(?:userdata\/)?(?:hostname|hosts|resolv\.conf) \/etc\//;

/** `mountinfo`: as of `/proc/self/mountinfo`. Undefined: it is in no container. */
export function containerIdIn(mountinfo: string): string | undefined {
  return MOUNTED.exec(mountinfo)?.[1];
}

/** Undefined: this process is in no container of this engine. */
export async function findOwnContainer(
  engine: Pick<Engine, "inspectContainer">,
  { signal }: { signal: AbortSignal },
): Promise<ContainerStart | undefined> {
  if (process.platform !== "linux") return undefined;
  const id = containerIdIn(readFileSync("/proc/self/mountinfo", "utf8"));
  if (id === undefined) return undefined;
  const found = await engine.inspectContainer(id, { signal });
  return found !== "not-found" && runs(found) ? { id, startedAt: found.startedAt } : undefined;
}

/** Whether that start is over, and with it all that ran in the container then. */
export async function isOver(
  start: ContainerStart,
  engine: Pick<Engine, "inspectContainer">,
  { signal }: { signal: AbortSignal },
): Promise<boolean> {
  const found = await engine.inspectContainer(start.id, { signal });
  return found === "not-found" || !runs(found) || found.startedAt !== start.startedAt;
}

function runs({ state }: ContainerDetails): boolean {
  return state === "running" || state === "paused";
}
