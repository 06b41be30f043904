/** Containers of builds that were killed before these had started: nothing else ends them. */

import type { Engine } from "../engine/mod.ts";
import { typeLabel } from "../names.ts";

/** In front of a UUID. */
export const CONTAINER_PREFIX = "helper-image-";

/** A build starts its container at once; one that is waiting for a slow engine is left alone. */
const STARTED_BY_NOW_MS = 3_600_000;

/** Containers that people make of helper images have the same labels, and names of their own. */
const NAME = new RegExp(`^${CONTAINER_PREFIX}[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`);

export async function removeUnstarted(
  { engine, signal }: {
    readonly engine: Pick<Engine, "listContainers" | "removeContainer">;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const made = await engine.listContainers({ labels: typeLabel("helper-image"), all: true }, {
    signal,
  });
  const left = made.filter(({ name, state, createdAtMs }) =>
    state === "created" && NAME.test(name) && Date.now() - createdAtMs > STARTED_BY_NOW_MS
  );
  await Promise.all(left.map(({ id }) => engine.removeContainer(id, { signal })));
}
