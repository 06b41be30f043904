/** A helper image that takes the name of an older one leaves no image without a name behind. */

import { type Engine, EngineError } from "../engine/mod.ts";
import { isHelperImage } from "../helper/mod.ts";

/** Makes an image called `name`. The one that was called so goes, unless something else uses it. */
export async function replaceImage<T>(
  name: string,
  make: () => Promise<T>,
  { engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
): Promise<T> {
  const before = await engine.inspectImage(name, { signal });
  const made = await make();
  if (before === "not-found" || !isHelperImage(before)) return made;
  const left = await engine.inspectImage(before.id, { signal });
  if (left !== "not-found" && left.repoTags.length === 0) {
    await engine.removeImage(left.id, { signal }).catch((error: unknown) => {
      // A job is using it.
      if (!(error instanceof EngineError && error.kind === "conflict")) throw error;
    });
  }
  return made;
}
