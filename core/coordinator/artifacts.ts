/** Artifacts up to and down from the coordinator, as the helper commands move them. */

import { rm } from "node:fs/promises";
import type { LogFields, Logger } from "../log/logger.ts";
import type { Secret } from "../util/secret.ts";
import { type Answer, errorMessage, rejected } from "./answer.ts";
import type { Clock } from "./clock.ts";
import type { Forbidden, Rejected, Unreachable } from "./coordinator.ts";
import { ConnectionFault } from "./fault.ts";
import { type ApiCall, CoordinatorHttp, readAnswer } from "./http.ts";
import { multipartFile } from "./multipart.ts";
import type { Environment } from "./proxy.ts";
import { storeAnswer, type StoredAnswer } from "./response_file.ts";
import type { TlsFiles } from "./tls_files.ts";
import type { HttpTimeouts } from "./transport.ts";

/** Whose artifact it is and how the coordinator is reached. */
export interface ArtifactAccess {
  /** The coordinator's URL, as in the runner's configuration. */
  readonly url: string;
  readonly jobId: number;
  /** Token of the job `jobId`; for a download, that of the dependency. */
  readonly token: Secret;
  readonly tls?: TlsFiles;
  /** Holds the proxy variables. */
  readonly env: Environment;
  readonly timeouts?: HttpTimeouts;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export interface ArtifactUpload extends ArtifactAccess {
  /** Sent as they are; empty values are left out. */
  readonly query: {
    readonly expire_in?: string;
    readonly artifact_format?: string;
    readonly artifact_type?: string;
  };
  readonly fileName: string;
  /** Opens the content from its beginning; what it throws, `uploadArtifact` throws. */
  readonly body: () => AsyncIterable<Uint8Array>;
  /** Bytes of the content; undefined when it is made while it is sent. */
  readonly length?: number;
  /** Each answer goes to the log with its headers and the beginning of its body. */
  readonly showsAnswers: boolean;
  readonly signal: AbortSignal;
}

/** What the coordinator's last answer was known by. */
interface Answered {
  readonly status: number;
  readonly correlationId: string;
}

export type UploadOutcome =
  | { readonly kind: "uploaded" } & Answered
  | Forbidden & Answered
  /** 413: no repetition will help. */
  | { readonly kind: "too-large"; readonly message: string } & Answered
  /** 503: worth more rounds than the rest. */
  | { readonly kind: "unavailable"; readonly message: string } & Answered
  | Rejected & Answered
  | Unreachable;

/** One upload, with the repetitions of the retry layer. Rejects with the signal's reason. */
export async function uploadArtifact(upload: ArtifactUpload): Promise<UploadOutcome> {
  const { fileName, body, length, signal } = upload;
  const file = multipartFile({ fileName, content: body, length });
  using http = new CoordinatorHttp(upload);
  return await orUnreachable(async () => {
    const answer = await http.callReading(
      {
        ...artifactsCall(upload, "POST", upload.query),
        headers: file.headers,
        body: file.body,
      },
      (response, requestId) => readAnswer(response, requestId, LONGEST_MESSAGE),
      { signal },
    );
    if (upload.showsAnswers) upload.logger.warning("received response", answerFields(answer));
    return uploadOutcome(answer);
  });
}

/** As much of a body as GitLab Runner shows. Bytes. */
const SHOWN_BODY = 512;

/** In GitLab Runner's form: `header[Content-Type]=[application/json]`. */
function answerFields(answer: Answer): LogFields {
  const { headers, body } = answer;
  const named = [...headers].map(([name, value]) => {
    const canonical = name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    return [`header[${canonical}]`, `[${value}]`] as const;
  });
  const beginning = new TextDecoder().decode(body.subarray(0, SHOWN_BODY));
  const rest = body.length > SHOWN_BODY ? "..." : "";
  return { ...Object.fromEntries(named), body: beginning + rest };
}

/** Answers to a transfer are a word; old coordinators send the whole job. */
const LONGEST_MESSAGE = 64 * 1024;

function uploadOutcome(answer: Answer): UploadOutcome {
  const { status, correlationId } = answer;
  const message = errorMessage(answer);
  switch (status) {
    case 201:
      return { kind: "uploaded", status, correlationId };
    case 403:
      return { kind: "forbidden", message, status, correlationId };
    case 413:
      return { kind: "too-large", message, status, correlationId };
    case 503:
      return { kind: "unavailable", message, status, correlationId };
    default:
      return { ...rejected(answer), correlationId };
  }
}

export interface ArtifactDownload extends ArtifactAccess {
  /** Ask for the object storage's URL first (`FF_USE_DIRECT_DOWNLOAD`). */
  readonly direct: boolean;
  /** The file to write; made new with mode 0600, and removed again unless it is whole. */
  readonly destination: string;
  readonly signal: AbortSignal;
}

export type DownloadOutcome =
  | { readonly kind: "downloaded"; readonly bytes: number } & Answered
  /** 401 or 403: final. */
  | Forbidden & Answered
  /** 404: final. */
  | { readonly kind: "not-found"; readonly message: string } & Answered
  | Rejected & Answered
  /** Also when a body broke off: worth another try. */
  | Unreachable;

/** One download, with the repetitions of the retry layer. Rejects with the signal's reason. */
export async function downloadArtifact(download: ArtifactDownload): Promise<DownloadOutcome> {
  const { destination } = download;
  using http = new CoordinatorHttp(download);
  const outcome = await orUnreachable(async () =>
    download.direct ? await downloadDirectly(http, download) : await downloadProxied(http, download)
  ).catch(async (error) => {
    await rm(destination, { force: true });
    throw error;
  });
  if (outcome.kind !== "downloaded") await rm(destination, { force: true });
  return outcome;
}

/** The API answers with the file or with where it is stored; one question for one file. */
async function downloadDirectly(
  http: CoordinatorHttp,
  download: ArtifactDownload,
): Promise<DownloadOutcome> {
  const { destination, logger, signal } = download;
  const call = artifactsCall(download, "GET", { direct_download: "true" });
  const answer = await http.callReading(
    { ...call, follow: "none" },
    (response, requestId) => storeAnswer(response, requestId, destination),
    { signal },
  );
  const location = answer.headers.get("location");
  const isRedirect = answer.status >= 300 && answer.status < 400 && location !== null;
  if (!isRedirect) return downloadOutcome(answer);
  const problem = await fromStorage(http, answer, location, download);
  if (typeof problem !== "string") return problem;
  logger.warning("Cannot download from the object storage, asking the coordinator for the file", {
    error: problem,
  });
  return await downloadProxied(http, download);
}

/** The problem instead of an outcome, when the storage does not give the whole file. */
async function fromStorage(
  http: CoordinatorHttp,
  answer: StoredAnswer,
  location: string,
  download: ArtifactDownload,
): Promise<DownloadOutcome | string> {
  const { destination, signal } = download;
  const base = new URL(download.url).href;
  const url = URL.parse(location, base);
  if (url === null || !/^https?:$/.test(url.protocol)) return `"${location}" is not a URL`;
  try {
    const stored = await http.fetchStored(
      url,
      (response) => storeAnswer(response, answer.correlationId, destination),
      { signal },
    );
    if (stored.status !== 200) return `${url.host} answered ${errorMessage(stored)}`;
    if (stored.cut !== undefined) return `the file of ${url.host} broke off (${stored.cut})`;
    const { correlationId } = answer;
    return { kind: "downloaded", bytes: stored.written, status: 200, correlationId };
  } catch (error) {
    if (!(error instanceof ConnectionFault)) throw error;
    return error.message;
  }
}

async function downloadProxied(
  http: CoordinatorHttp,
  download: ArtifactDownload,
): Promise<DownloadOutcome> {
  const { destination, signal } = download;
  const answer = await http.callReading(
    artifactsCall(download, "GET", {}),
    (response, requestId) => storeAnswer(response, requestId, destination),
    { signal },
  );
  return downloadOutcome(answer);
}

function downloadOutcome(answer: StoredAnswer): DownloadOutcome {
  const { status, correlationId, cut } = answer;
  const message = errorMessage(answer);
  switch (status) {
    case 200:
      return cut === undefined
        ? { kind: "downloaded", bytes: answer.written, status, correlationId }
        : {
          kind: "unreachable",
          message: `The download broke off after ${answer.written} bytes (${cut})`,
        };
    case 401:
    case 403:
      return { kind: "forbidden", message, status, correlationId };
    case 404:
      return { kind: "not-found", message, status, correlationId };
    default:
      return { ...rejected(answer), correlationId };
  }
}

function artifactsCall(
  access: ArtifactAccess,
  method: "GET" | "POST",
  query: Readonly<Record<string, string | undefined>>,
): ApiCall {
  const filled = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const search = new URLSearchParams(filled).toString();
  return {
    method,
    path: `jobs/${access.jobId}/artifacts${search === "" ? "" : `?${search}`}`,
    route: "jobs/:id/artifacts",
    token: { header: "Job-Token", value: access.token },
    repeat: "on-failure",
    follow: "everywhere",
  };
}

async function orUnreachable<T>(transfer: () => Promise<T>): Promise<T | Unreachable> {
  try {
    return await transfer();
  } catch (error) {
    if (!(error instanceof ConnectionFault)) throw error;
    return { kind: "unreachable", message: error.message };
  }
}
