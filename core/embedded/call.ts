/** One HTTP request as the embedded coordinator handles it: what routes, faults and checks share. */

import { parseJson } from "../util/json.ts";

/** Bodies that are read at once: job requests, updates and trace patches. Uploads are streamed. */
const LARGEST_BODY_BYTES = 64 * 1024 * 1024;

export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
}

export class Call {
  readonly request: Request;
  readonly method: string;
  readonly url: URL;
  /** Path below the relative URL root. */
  readonly path: string;
  /** Id in `/api/v4/jobs/<id>`, if the call is about a job. */
  readonly jobId: number | undefined;
  /** Remote address and port: the same for all requests of one connection. */
  readonly connection: string;
  /** Milliseconds since the epoch, with fractions. */
  readonly startedAt = epochMs();
  /** Bytes at the end of a patch that a fault makes us lose. */
  droppedBytes = 0;
  #bytes: Promise<Uint8Array> | undefined;
  #json: Promise<Record<string, unknown>> | undefined;
  #onDelivered: (() => void)[] = [];

  constructor(request: Request, options: { readonly root: string; readonly connection: string }) {
    this.request = request;
    this.method = request.method;
    this.url = new URL(request.url);
    this.path = pathBelow(options.root, this.url.pathname);
    this.connection = options.connection;
    const job = /^\/api\/v4\/jobs\/(\d+)(?:\/|$)/.exec(this.path)?.[1];
    this.jobId = job === undefined ? undefined : Number(job);
  }

  header(name: string): string | undefined {
    return this.request.headers.get(name) ?? undefined;
  }

  /** The whole body; the same bytes each time. Throws BodyTooLarge. */
  bytes(): Promise<Uint8Array> {
    this.#bytes ??= this.#read();
    return this.#bytes;
  }

  /** The body as a JSON object; an empty object when it is none. */
  json(): Promise<Record<string, unknown>> {
    this.#json ??= this.bytes().then(parseObject);
    return this.#json;
  }

  /** Runs `effect` once the answer has gone out as the route made it, not when a fault ate it. */
  whenDelivered(effect: () => void): void {
    this.#onDelivered.push(effect);
  }

  delivered(): void {
    for (const effect of this.#onDelivered) effect();
    this.#onDelivered = [];
  }

  async #read(): Promise<Uint8Array> {
    if (Number(this.header("content-length") ?? 0) > LARGEST_BODY_BYTES) throw new BodyTooLarge();
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.request.body ?? []) {
      size += chunk.length;
      if (size > LARGEST_BODY_BYTES) throw new BodyTooLarge();
      chunks.push(chunk);
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  const value = parseJson(new TextDecoder().decode(bytes));
  return isRecord(value) ? value : {};
}

/** `path` without the relative URL root in front of it. */
export function pathBelow(root: string, path: string): string {
  return root !== "" && path.startsWith(`${root}/`) ? path.slice(root.length) : path;
}

/** Milliseconds since the epoch with the resolution of the monotonic clock. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
