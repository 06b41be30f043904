/** Remembers the last requests: what came, when, and what was answered. */

import type { Call } from "./call.ts";

export interface RecordedRequest {
  /** Milliseconds since the epoch, with fractions. */
  readonly at: number;
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  readonly connection: string;
  readonly requestId: string | undefined;
  readonly contentRange: string | undefined;
  readonly jobId: number | undefined;
  /** All headers, when asked for; tokens are in them. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Body of a JSON call and its SHA-256, when bodies are recorded. */
  body?: string;
  bodySha256?: string;
  /** 0 until answered, and for good when a fault ate the answer. */
  status: number;
  tookMs: number;
  /** The fault that met the request. */
  fault?: string;
}

export interface RecorderOptions {
  /** How many requests are remembered. */
  readonly capacity: number;
  /** `outline` costs next to nothing; the others keep headers, or headers and bodies. */
  readonly detail: "outline" | "headers" | "bodies";
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #kept: RecordedRequest[] = [];
  #next = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  begin(call: Call): RecordedRequest {
    const entry: RecordedRequest = {
      at: call.startedAt,
      method: call.method,
      target: call.url.pathname + call.url.search,
      connection: call.connection,
      requestId: call.header("x-request-id"),
      contentRange: call.header("content-range"),
      jobId: call.jobId,
      headers: this.#options.detail === "outline"
        ? undefined
        : Object.fromEntries(call.request.headers),
      status: 0,
      tookMs: 0,
    };
    this.#kept[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#options.capacity;
    return entry;
  }

  /** Adds the body of a call that is not streamed. */
  async recordBody(entry: RecordedRequest, call: Call): Promise<void> {
    const isStreamed = call.path.endsWith("/artifacts") || !call.path.startsWith("/api/v4/");
    if (this.#options.detail !== "bodies" || isStreamed || call.request.body === null) return;
    const bytes = await call.bytes();
    entry.bodySha256 = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    if (call.header("content-type")?.startsWith("application/json") === true) {
      entry.body = new TextDecoder().decode(bytes);
    }
  }

  /** Oldest first. */
  requests(filter: (request: RecordedRequest) => boolean = () => true): RecordedRequest[] {
    const ordered = [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)];
    return ordered.filter(filter);
  }

  clear(): void {
    this.#kept.length = 0;
    this.#next = 0;
  }
}
