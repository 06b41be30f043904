/** Artifacts on disk: streamed in while their SHA-256 is taken, and out again, also in ranges. */

import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

import { assertNever } from "../errors.ts";
import { apiError, jsonAnswer } from "./answers.ts";
import { boundaryOf, readMultipartFile } from "./multipart.ts";
import type { CoordinatorSettings } from "./options.ts";
import { refusalOfReport } from "./reports.ts";

export interface StoredArtifact {
  readonly jobId: number;
  /** `archive` or a report type. */
  readonly type: string;
  readonly format: string;
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  readonly expireIn: string;
  readonly path: string;
}

export type ReceiveOutcome =
  | { readonly kind: "stored"; readonly artifact: StoredArtifact }
  /** The same bytes were there already. */
  | { readonly kind: "repeated"; readonly artifact: StoredArtifact }
  | { readonly kind: "duplicate" }
  /** A report that GitLab cannot read. */
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "too-large" }
  | { readonly kind: "malformed"; readonly why: string };

export interface Upload {
  readonly jobId: number;
  readonly query: URLSearchParams;
  readonly contentType: string | undefined;
  readonly body: ReadableStream<Uint8Array> | null;
}

class TooLarge extends Error {}

export class ArtifactStore {
  readonly #directory: string;
  readonly #byKey = new Map<string, StoredArtifact>();
  #lastFile = 0;
  readonly #settings: Pick<CoordinatorSettings, "artifactLimitBytes">;

  constructor(directory: string, settings: Pick<CoordinatorSettings, "artifactLimitBytes">) {
    this.#directory = directory;
    this.#settings = settings;
  }

  find(jobId: number, type = "archive"): StoredArtifact | undefined {
    return this.#byKey.get(`${jobId}/${type}`);
  }

  of(jobId: number): StoredArtifact[] {
    return [...this.#byKey.values()].filter((artifact) => artifact.jobId === jobId);
  }

  /** Takes over what lies on the disk already, such as artifacts of an earlier process. */
  adopt(artifact: StoredArtifact): void {
    this.#byKey.set(`${artifact.jobId}/${artifact.type}`, artifact);
  }

  remove(jobId: number): void {
    for (const { type, path } of this.of(jobId)) {
      this.#byKey.delete(`${jobId}/${type}`);
      rmSync(path, { force: true });
    }
  }

  async receive(upload: Upload): Promise<ReceiveOutcome> {
    const boundary = boundaryOf(upload.contentType);
    if (boundary === undefined || upload.body === null) {
      return { kind: "malformed", why: "body is not multipart/form-data with a boundary" };
    }
    const path = join(this.#directory, `artifact-${++this.#lastFile}`);
    const outcome = await this.#spool(upload, boundary, path);
    if (outcome.kind !== "stored") rmSync(path, { force: true });
    return outcome;
  }

  async #spool(upload: Upload, boundary: string, path: string): Promise<ReceiveOutcome> {
    const hasher = new Bun.CryptoHasher("sha256");
    let size = 0;
    const fd = openSync(path, "w", 0o600);
    try {
      const file = await readMultipartFile(
        upload.body ?? new ReadableStream(),
        boundary,
        (bytes) => {
          size += bytes.length;
          if (size > this.#settings.artifactLimitBytes) throw new TooLarge();
          hasher.update(bytes);
          for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
        },
      );
      if (file.kind === "no-file") return { kind: "malformed", why: "no part is named file" };
      if (file.kind === "truncated") return { kind: "malformed", why: "body ends too early" };
      return this.#keep({
        jobId: upload.jobId,
        type: upload.query.get("artifact_type") || "archive",
        format: upload.query.get("artifact_format") || "zip",
        expireIn: upload.query.get("expire_in") ?? "",
        filename: file.filename.replaceAll(/[^\w.+-]/g, "_"),
        size,
        sha256: hasher.digest("hex"),
        path,
      });
    } catch (error) {
      if (error instanceof TooLarge) return { kind: "too-large" };
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  #keep(artifact: StoredArtifact): ReceiveOutcome {
    const before = this.find(artifact.jobId, artifact.type);
    if (before !== undefined) {
      return before.sha256 === artifact.sha256
        ? { kind: "repeated", artifact: before }
        : { kind: "duplicate" };
    }
    const why = refusalOfReport(artifact);
    if (why !== undefined) return { kind: "refused", why };
    this.#byKey.set(`${artifact.jobId}/${artifact.type}`, artifact);
    return { kind: "stored", artifact };
  }
}

/** What GitLab says of an upload that it does not take. */
export function uploadRefusal(
  outcome: Exclude<ReceiveOutcome, { kind: "stored" | "repeated" }>,
): Response {
  switch (outcome.kind) {
    case "duplicate":
      return apiError(400, "another artifact of the same type already exists");
    case "too-large":
      return apiError(413);
    case "refused":
      return jsonAnswer(400, { message: outcome.why });
    case "malformed":
      return apiError(400, outcome.why);
    default:
      return assertNever(outcome);
  }
}

/** The file as a download; a `Range` of one part is honoured with 206. */
export function downloadAnswer(artifact: StoredArtifact, range: string | undefined): Response {
  const file = Bun.file(artifact.path);
  const headers = {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `attachment; filename="${artifact.filename}"`,
    "Accept-Ranges": "bytes",
  };
  const part = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
  if (part === null) return new Response(file, { headers });
  const first = Number(part[1]);
  const last = Math.min(part[2] === "" ? Infinity : Number(part[2]), artifact.size - 1);
  if (first > last) return apiError(416, "", { "Content-Range": `bytes */${artifact.size}` });
  return new Response(file.slice(first, last + 1), {
    status: 206,
    headers: { ...headers, "Content-Range": `bytes ${first}-${last}/${artifact.size}` },
  });
}
