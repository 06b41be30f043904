/** `artifacts-uploader`: packs files of the project and hands them to the coordinator. */

import { createArchive } from "../archive/create.ts";
import type { Entries } from "../archive/entry_list.ts";
import { type ArchiveFormat, formatExtension, parseFormat } from "../archive/format.ts";
import {
  type ArtifactUpload,
  uploadArtifact,
  type UploadOutcome,
} from "../coordinator/artifacts.ts";
import { ConfigurationError, messageOf } from "../errors.ts";
import { delay } from "../util/abort.ts";
import { expandWord } from "../util/expand_word.ts";
import { shortToken } from "../util/token.ts";
import { artifactAccess, CREDENTIAL_FLAGS, METER_FLAGS, SELECTION_FLAGS } from "./common_flags.ts";
import type { HelperFlag, HelperValues } from "./flags.ts";
import type { HelperCommand, HelperContext } from "./helper_command.ts";
import { PROVENANCE_FLAGS, withProvenance } from "./provenance.ts";
import { selectedFiles } from "./selected_files.ts";
import { statusLine } from "./status_line.ts";

const FLAGS: readonly HelperFlag[] = [
  ...CREDENTIAL_FLAGS,
  ...SELECTION_FLAGS,
  ...METER_FLAGS,
  { name: "name", type: "string", default: "artifacts", help: "Name of the archive" },
  { name: "expire-in", type: "string", help: "When the coordinator may delete it" },
  { name: "artifact-format", type: "string", default: "zip", help: "zip, gzip or raw" },
  { name: "artifact-type", type: "string", default: "archive", help: "What it is to GitLab" },
  {
    name: "compression-level",
    type: "string",
    env: "ARTIFACT_COMPRESSION_LEVEL",
    default: "default",
    help: "fastest, fast, default, slow or slowest",
  },
  { name: "timeout", type: "duration", default: "1h", help: "Limit of one transfer" },
  {
    name: "response-header-timeout",
    type: "duration",
    default: "10m",
    help: "Limit of the wait for the answer",
  },
  {
    name: "ci-debug-trace",
    type: "bool",
    env: "CI_DEBUG_TRACE",
    help: "Log what the coordinator answers, with headers",
  },
  ...PROVENANCE_FLAGS,
];

export const artifactsUploader: HelperCommand = {
  name: "artifacts-uploader",
  summary: "create and upload build artifacts (internal)",
  flags: FLAGS,
  run: runArtifactsUploader,
};

async function runArtifactsUploader(values: HelperValues, context: HelperContext): Promise<number> {
  const { logger } = context;
  const access = artifactAccess(values, context);
  const format = artifactFormat(values);
  const files = await selectedFiles(values, context);
  if (files.length === 0) {
    logger.error("No files to upload");
    return 0;
  }
  const name = archiveName(expandName(values.text("name"), context));
  await using sources = await withProvenance({ files, name, format }, values, context);
  const timeouts = timeoutsOf(values);
  return await uploadInRounds({
    ...access,
    ...(timeouts !== undefined && { timeouts }),
    query: {
      expire_in: values.text("expire-in"),
      artifact_format: format,
      artifact_type: values.text("artifact-type"),
    },
    fileName: `${name}${formatExtension(format)}`,
    body: () => archiveBody(sources.files, format, { values, context }),
    showsAnswers: values.bool("ci-debug-trace"),
    signal: context.signal,
  });
}

function artifactFormat(values: HelperValues): ArchiveFormat {
  const text = values.text("artifact-format") || "zip";
  const format = parseFormat(text);
  if (format === undefined) {
    throw new ConfigurationError(`Unknown artifact format "${text}": use zip, gzip or raw`);
  }
  return format;
}

/** One that cannot be expanded is taken as it stands. */
function expandName(name: string, { env, logger }: HelperContext): string {
  try {
    return expandWord(name, (parameter) => env[parameter]);
  } catch (error) {
    logger.warning(`invalid artifact name: ${messageOf(error)}`);
    return name;
  }
}

function archiveName(name: string): string {
  return name.replace(/\/+$/, "").split("/").at(-1) || "default";
}

/** 0 keeps the client's own limit. */
function timeoutsOf(values: HelperValues): ArtifactUpload["timeouts"] {
  const exchangeMs = values.durationMs("timeout");
  const headersMs = values.durationMs("response-header-timeout");
  return exchangeMs > 0 && headersMs > 0 ? { exchangeMs, headersMs } : undefined;
}

function archiveBody(
  entries: Entries,
  format: ArchiveFormat,
  { values, context }: { values: HelperValues; context: HelperContext },
): AsyncIterable<Uint8Array> {
  return createArchive({
    format,
    root: context.cwd,
    entries,
    level: values.text("compression-level"),
    onProblem: (path, problem) => context.logger.warning(`${path}: ${problem}`),
  });
}

const ROUNDS = 3;
/** A full object storage is often back after a moment. */
const ROUNDS_WHEN_UNAVAILABLE = 6;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;

async function uploadInRounds(upload: ArtifactUpload): Promise<number> {
  const { logger, signal } = upload;
  for (let round = 1;; round++) {
    const verdict = judge(await attemptUpload(upload), upload);
    if (verdict.kind === "done") return 0;
    if (verdict.kind === "final" || round >= verdict.rounds) {
      logger.fatal(verdict.error);
      return 1;
    }
    logger.warning("Retrying...", { context: "artifacts-uploader", error: verdict.error });
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (round - 1));
    await delay(pause, { signal });
  }
}

/** A failure while packing is worth another round as well: files of a job may change under us. */
async function attemptUpload(
  upload: ArtifactUpload,
): Promise<UploadOutcome | { readonly kind: "packing-failed"; readonly message: string }> {
  try {
    return await uploadArtifact(upload);
  } catch (error) {
    upload.signal.throwIfAborted();
    return { kind: "packing-failed", message: messageOf(error) };
  }
}

type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "final"; readonly error: string }
  | { readonly kind: "again"; readonly rounds: number; readonly error: string };

function judge(
  outcome: Awaited<ReturnType<typeof attemptUpload>>,
  { logger, jobId, token, query }: ArtifactUpload,
): Verdict {
  const line = `Uploading artifacts as "${query.artifact_type}" to coordinator...`;
  const fields = { id: jobId, token: shortToken(token.reveal()) };
  if (outcome.kind === "unreachable" || outcome.kind === "packing-failed") {
    logger.error(`${line} error`, { ...fields, error: outcome.message });
    return { kind: "again", rounds: ROUNDS, error: "invalid argument" };
  }
  const { status, correlationId } = outcome;
  const answered = { ...fields, status, correlation_id: correlationId };
  const message = `${line} ${statusLine(status)}`;
  switch (outcome.kind) {
    case "uploaded":
      logger.info(message, answered);
      return { kind: "done" };
    case "forbidden":
      logger.error(message, { ...answered, error: outcome.message });
      return { kind: "final", error: "permission denied" };
    case "too-large":
      logger.error(message, { ...answered, error: outcome.message });
      return { kind: "final", error: "too large" };
    case "unavailable":
      logger.error(message, { ...answered, error: outcome.message });
      return { kind: "again", rounds: ROUNDS_WHEN_UNAVAILABLE, error: "service unavailable" };
    case "rejected":
      logger.error(message, { ...answered, error: outcome.message });
      return { kind: "again", rounds: ROUNDS, error: "invalid argument" };
  }
}
