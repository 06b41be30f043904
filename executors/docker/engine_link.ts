/** One engine as this process uses it: connection, images, helper executable, shared by all jobs. */

import type { Engine, EngineInfo } from "./engine/mod.ts";
import { HelperVolume } from "./helper/mod.ts";
import { ImageStore } from "./images/mod.ts";
import type { Ownership } from "./ownership.ts";

/** Settings that say which engine; they go into a job's journal too. */
export interface EndpointSettings {
  readonly host: string;
  readonly tls_cert_path: string;
  readonly tls_verify: boolean;
}

/** Everything that is kept per engine while this process lives. */
export interface EngineLink {
  readonly engine: Engine;
  /** Asked once: what jobs look at does not change while an engine runs. */
  readonly info: (options: { signal: AbortSignal }) => Promise<EngineInfo>;
  /** What in it is whose. */
  readonly ownership: Ownership;
  readonly store: ImageStore;
  readonly executable: HelperVolume;
  /** Helper images that were found to be usable, by id. */
  readonly usableHelpers: Set<string>;
  /** Images of jobs that were found to lack what a helper needs, by id. */
  readonly helpless: Set<string>;
}

export interface EngineLinksOptions {
  readonly connect: (endpoint: EndpointSettings) => Engine;
  /** This program's own executable. */
  readonly executable: string;
  /** Environment of credential helpers. */
  readonly helperEnv: Readonly<Record<string, string>>;
  /** Of the objects of one engine. */
  readonly ownership: () => Ownership;
  /** Called once for each engine, before it is used. */
  readonly onConnect: (link: EngineLink) => void;
}

/** The engines that this process uses, one link each. */
export class EngineLinks implements AsyncDisposable {
  readonly #options: EngineLinksOptions;
  readonly #links = new Map<string, EngineLink>();

  constructor(options: EngineLinksOptions) {
    this.#options = options;
  }

  /** Throws ConfigurationError for a host that cannot be used. */
  get({ host, tls_cert_path, tls_verify }: EndpointSettings): EngineLink {
    const key = JSON.stringify([host, tls_cert_path, tls_verify]);
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const { connect, executable, helperEnv, onConnect } = this.#options;
    const engine = connect({ host, tls_cert_path, tls_verify });
    const ownership = this.#options.ownership();
    const link = {
      engine,
      ownership,
      info: once(engine),
      store: new ImageStore({ engine, helperEnv }),
      executable: new HelperVolume({ path: executable, ownership }),
      usableHelpers: new Set<string>(),
      helpless: new Set<string>(),
    };
    this.#links.set(key, link);
    onConnect(link);
    return link;
  }

  /** Nothing more is brought into engines; what was begun is gone from them. */
  async endFilling(): Promise<void> {
    const links = [...this.#links.values()];
    await Promise.all(links.map(({ executable }) => executable[Symbol.asyncDispose]()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const links = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(links.map(({ engine }) => engine[Symbol.asyncDispose]()));
  }
}

/** A failed call is not kept. */
function once(engine: Engine): EngineLink["info"] {
  let known: EngineInfo | undefined;
  return async (options) => known ??= await engine.info(options);
}
