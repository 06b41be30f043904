/** Cache archives to and from an object storage, by URLs that are signed already. */

import { statSync, utimesSync } from "node:fs";
import { open } from "node:fs/promises";
import { type Environment, proxyFor } from "../coordinator/proxy.ts";
import { messageOf, RunnerError } from "../errors.ts";
import { delay } from "../util/abort.ts";
import { openPendingFile, writeChunks } from "./local_archive.ts";

export interface TransferOptions {
  /** Limit of one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Holds the proxy variables. */
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/** A request that may work when it is repeated: no connection, or a fault of the storage. */
export class TransientTransferError extends RunnerError {
  override readonly name = "TransientTransferError";
}

export type CacheDownload =
  | { readonly kind: "downloaded"; readonly bytes: number; readonly etag: string }
  /** The file here is as new as the one in the storage. */
  | { readonly kind: "up-to-date" }
  | { readonly kind: "not-found" };

/**
 * Fetches the archive unless the local one is as new; `file` is replaced at once. The archive gets
 * the storage's time. `onStart` is called when the storage has answered that it has one.
 */
export async function downloadCache(
  url: string,
  file: string,
  options: TransferOptions & { onStart: (about: { etag: string; size: string }) => void },
): Promise<CacheDownload> {
  const response = await request(url, { method: "GET" }, options);
  if (response.status === 404) {
    await response.body?.cancel();
    return { kind: "not-found" };
  }
  await expectSuccess(response);
  const modified = Date.parse(response.headers.get("last-modified") ?? "");
  const local = statSync(file, { throwIfNoEntry: false });
  if (local !== undefined && modified <= local.mtimeMs) {
    await response.body?.cancel();
    return { kind: "up-to-date" };
  }
  const etag = response.headers.get("etag") ?? "";
  const length = response.headers.get("content-length");
  options.onStart({ etag, size: length ?? "" });
  using pending = openPendingFile(file);
  const bytes = await writeChunks(pending, receive(response, options.signal));
  if (length !== null && !response.headers.has("content-encoding") && bytes !== Number(length)) {
    throw new TransientTransferError(`Download broke off after ${bytes} of ${length} bytes`);
  }
  if (Number.isFinite(modified)) utimesSync(pending.path, new Date(), new Date(modified));
  pending.commit();
  return { kind: "downloaded", bytes, etag };
}

/** Sends the archive with the headers that its URL was signed for. */
export async function uploadCache(
  url: string,
  file: string,
  options: TransferOptions & { headers: readonly (readonly [name: string, value: string])[] },
): Promise<void> {
  await using archive = await open(file, "r");
  const { size, mtime } = await archive.stat();
  const headers = new Headers({
    "Content-Type": "application/octet-stream",
    "Last-Modified": mtime.toUTCString(),
  });
  for (const [name, value] of options.headers) headers.set(name, value);
  // Without a length the request would be chunked, which object storages refuse.
  headers.set("Content-Length", String(size));
  const body = readChunks(archive, size);
  const response = await request(
    url,
    { method: "PUT", headers, body, redirect: "manual" },
    options,
  );
  await expectSuccess(response);
  await response.body?.cancel();
}

/** Whether the storage answers the signed HEAD with success. */
export async function remoteCacheExists(url: string, options: TransferOptions): Promise<boolean> {
  const response = await request(url, { method: "HEAD" }, options);
  await response.body?.cancel();
  return response.ok;
}

/** Runs `transfer` up to `tries` times while it fails for a passing reason. */
export async function retryTransfer<T>(
  transfer: () => Promise<T>,
  options: {
    readonly tries: number;
    readonly pauseMs: number;
    readonly onRetry: (error: Error) => void;
    readonly signal: AbortSignal;
  },
): Promise<T> {
  for (let round = 1;; round++) {
    try {
      return await transfer();
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof TransientTransferError) || round >= options.tries) throw error;
      options.onRetry(error);
    }
    await delay(options.pauseMs, { signal: options.signal });
  }
}

/** The URL as logs may show it: its query is the signature. */
export function withoutQuery(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return "an unreadable URL";
  parsed.search = "";
  parsed.hash = "";
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}

type RequestBody = AsyncGenerator<Uint8Array<ArrayBuffer>>;

async function request(
  url: string,
  init: { method: string; headers?: Headers; body?: RequestBody; redirect?: "manual" },
  { timeoutMs, env, signal }: TransferOptions,
): Promise<Response> {
  const parsed = URL.parse(url);
  if (parsed === null) throw new RunnerError("The URL of the cache is not a URL");
  const proxy = proxyFor(parsed, env);
  const limit = AbortSignal.timeout(timeoutMs);
  const { body, ...rest } = init;
  try {
    return await fetch(parsed, {
      ...rest,
      ...(body !== undefined && { body }),
      signal: AbortSignal.any([signal, limit]),
      proxy: proxy === undefined ? false : { url: proxy, respectNoProxy: false },
      timeout: false,
      verbose: false,
      decompress: false,
    } as unknown as BunFetchRequestInit);
  } catch (error) {
    signal.throwIfAborted();
    const what = `${init.method} ${withoutQuery(url)}`;
    throw new TransientTransferError(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** The body. What goes wrong with it is told apart from what its consumer does. */
async function* receive(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  try {
    yield* response.body as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    signal.throwIfAborted();
    throw new TransientTransferError(`Download broke off: ${messageOf(error)}`, { cause: error });
  }
}

async function expectSuccess(response: Response): Promise<void> {
  if (response.ok) return;
  await response.body?.cancel();
  const { status, statusText } = response;
  const message = `received: ${status} ${statusText}`.trimEnd();
  throw status >= 500 ? new TransientTransferError(message) : new RunnerError(message);
}

const CHUNK_SIZE = 1 << 20;

async function* readChunks(
  file: Awaited<ReturnType<typeof open>>,
  size: number,
): RequestBody {
  for (let at = 0; at < size;) {
    const buffer = new Uint8Array(Math.min(CHUNK_SIZE, size - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) {
      throw new RunnerError("The cache archive became shorter while it was sent");
    }
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
