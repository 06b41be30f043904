/** An engine whose images and pulls are the test's, and the store on top of it. */

import type { ImageDetails, RegistryAuth } from "../../../../executors/docker/engine/mod.ts";
import {
  type ImageEngine,
  type ImageRequest,
  ImageStore,
} from "../../../../executors/docker/images/mod.ts";
import { LineLog, NO_CREDENTIALS } from "./support.ts";

export const ID = `sha256:${"1".repeat(64)}`;
export const DIGEST = `sha256:${"2".repeat(64)}`;

interface Pull {
  readonly reference: string;
  readonly auth: RegistryAuth | undefined;
  readonly platform: string | undefined;
  readonly signal: AbortSignal;
  progress(): void;
  finish(): void;
  fail(error: Error): void;
}

/** An engine whose pulls end when the test says so, or as `outcomes` say, one per pull. */
class FakeEngine implements ImageEngine {
  readonly images = new Map<string, ImageDetails>();
  readonly pulls: Pull[] = [];
  readonly outcomes: (Error | "done")[] = [];

  async inspectImage(reference: string): Promise<ImageDetails | "not-found"> {
    return this.images.get(reference) ?? "not-found";
  }

  async pullImage(
    reference: string,
    options: Parameters<ImageEngine["pullImage"]>[1],
  ): Promise<void> {
    const { signal, auth, platform, onProgress } = options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => reject(signal.reason));
    const pull: Pull = {
      reference,
      auth,
      platform,
      signal,
      progress: () => onProgress?.({ id: "1", status: "Downloading", current: 1, total: 2 }),
      finish: () => {
        this.images.set(reference, imageDetails());
        resolve();
      },
      fail: reject,
    };
    this.pulls.push(pull);
    const outcome = this.outcomes.shift();
    if (outcome === "done") pull.finish();
    else if (outcome !== undefined) pull.fail(outcome);
    await promise;
  }
}

export function imageDetails(more: Partial<ImageDetails> = {}): ImageDetails {
  return {
    id: ID,
    repoTags: [],
    repoDigests: [],
    os: "linux",
    architecture: "amd64",
    entrypoint: [],
    command: [],
    user: "",
    env: [],
    exposedPorts: [],
    hasHealthcheck: false,
    labels: {},
    ...more,
  };
}

export function setUp(more: { pullTimeoutMs?: number } = {}) {
  const engine = new FakeEngine();
  const helperEnv = { PATH: "/usr/bin:/bin" };
  const store = new ImageStore({ engine, helperEnv, retryDelayMs: () => 0, ...more });
  return { engine, store, log: new LineLog() };
}

export function request(image: string, more: Partial<ImageRequest> = {}): ImageRequest {
  return { image, policies: ["always"], platform: undefined, credentials: NO_CREDENTIALS, ...more };
}

export function auth(user: string): Partial<ImageRequest> {
  const job = [{ type: "registry", url: "r.example.com", username: user, password: "p" }];
  return { credentials: { ...NO_CREDENTIALS, job } };
}
