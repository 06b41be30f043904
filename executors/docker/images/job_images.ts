/** The images of one job: each is looked for, and told of in the log, once. */

import type { JobLog } from "../../../core/executor.ts";
import type { ImageDetails } from "../engine/mod.ts";
import type { ImageRequest, ImageStore } from "./image_store.ts";

/** What build, helper and service containers of one job ask for; they may ask at the same time. */
export class JobImages {
  readonly #store: ImageStore;
  readonly #found = new Map<string, Promise<ImageDetails>>();

  constructor(store: ImageStore) {
    this.#store = store;
  }

  /** As `ImageStore.ensure`; a failed search is not kept, so that it can be repeated. */
  ensure(
    request: ImageRequest,
    log: JobLog,
    options: { signal: AbortSignal },
  ): Promise<ImageDetails> {
    const key = JSON.stringify([request.image, request.platform, request.policies]);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const search = this.#store.ensure(request, log, options);
    this.#found.set(key, search);
    search.catch(() => this.#found.delete(key));
    return search;
  }
}
