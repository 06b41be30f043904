/** `cache-archiver`: saves files of the project as a cache, here and in the object storage. */

import { statSync } from "node:fs";
import { basename } from "node:path";
import { createArchive } from "../archive/create.ts";
import type { Entries } from "../archive/entry_list.ts";
import { parseFormat } from "../archive/format.ts";
import {
  adoptAlternate,
  isUpToDate,
  openPendingFile,
  writeChunks,
  writeMetadata,
} from "../cache/local_archive.ts";
import { remoteCacheExists, retryTransfer, uploadCache, withoutQuery } from "../cache/transfer.ts";
import { ConfigurationError, messageOf } from "../errors.ts";
import { parseJson } from "../util/json.ts";
import { CACHE_FLAGS, cacheTransfer } from "./cache_flags.ts";
import { SELECTION_FLAGS } from "./common_flags.ts";
import type { HelperFlag, HelperValues } from "./flags.ts";
import type { HelperCommand, HelperContext } from "./helper_command.ts";
import { selectedFiles } from "./selected_files.ts";

const FLAGS: readonly HelperFlag[] = [
  ...SELECTION_FLAGS,
  ...CACHE_FLAGS,
  { name: "alternate-file", type: "string", help: "Path under an earlier form of the key" },
  { name: "check-url", type: "string", help: "Signed URL that tells whether the archive exists" },
  { name: "header", type: "list", help: "key:value, sent with the archive" },
  {
    name: "metadata",
    type: "string",
    env: "CACHE_METADATA",
    help: "JSON object, written beside the archive",
  },
  {
    name: "compression-level",
    type: "string",
    env: "CACHE_COMPRESSION_LEVEL",
    default: "default",
    help: "fastest, fast, default, slow or slowest",
  },
  {
    name: "compression-format",
    type: "string",
    env: "CACHE_COMPRESSION_FORMAT",
    default: "zip",
    help: "zip, tarzstd or zipzstd",
  },
  {
    name: "max-uploaded-archive-size",
    type: "int",
    env: "CACHE_MAX_UPLOADED_ARCHIVE_SIZE",
    default: "0",
    help: "Largest archive to upload, in bytes; 0 for any",
  },
];

export const cacheArchiver: HelperCommand = {
  name: "cache-archiver",
  summary: "create and upload cache artifacts (internal)",
  flags: FLAGS,
  run: runCacheArchiver,
};

async function runCacheArchiver(values: HelperValues, context: HelperContext): Promise<number> {
  const { logger } = context;
  const file = values.text("file");
  if (file === "") throw new ConfigurationError("Missing cache file");
  const metadata = parseMetadata(values.text("metadata"));
  adoptAlternate(file, values.text("alternate-file"));

  const entries = await selectedFiles(values, context);
  if (isUpToDate(file, entries)) {
    if (await existsRemotely(values, context)) {
      logger.info("Archive is up to date!");
      return 0;
    }
    logger.info("Primary cache does not exist remotely, uploading existing archive");
  } else {
    if (entries.length === 0) {
      logger.warning("No files to cache.");
      return 0;
    }
    await archive(file, entries, { values, context });
    if (metadata !== undefined) await writeMetadata(file, metadata);
  }
  return await upload(file, values, context);
}

function parseMetadata(text: string): Record<string, string> | undefined {
  if (text === "") return undefined;
  const parsed = parseJson(text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new ConfigurationError(`Invalid cache metadata "${text}": use a JSON object of texts`);
  }
  return Object.fromEntries(Object.entries(parsed).map(([key, value]) => [key, String(value)]));
}

async function existsRemotely(values: HelperValues, context: HelperContext): Promise<boolean> {
  const url = values.text("check-url");
  if (url === "") return false;
  try {
    return await remoteCacheExists(url, cacheTransfer(values, context).options);
  } catch (error) {
    context.signal.throwIfAborted();
    context.logger.warning("Cannot tell whether the cache exists remotely", {
      error: messageOf(error),
    });
    return false;
  }
}

async function archive(
  file: string,
  entries: Entries,
  { values, context }: { values: HelperValues; context: HelperContext },
): Promise<void> {
  const name = values.text("compression-format") || "zip";
  const format = parseFormat(name);
  if (format === undefined || format === "gzip" || format === "raw") {
    throw new ConfigurationError(
      `Unknown cache format "${name}": use zip, tarzstd or zipzstd`,
    );
  }
  using pending = openPendingFile(file);
  const chunks = createArchive({
    format,
    root: context.cwd,
    entries,
    level: values.text("compression-level"),
    onProblem: (path, problem) => context.logger.warning(`${path}: ${problem}`),
  });
  await writeChunks(pending, abortable(chunks, context.signal));
  pending.commit();
}

async function* abortable(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

async function upload(
  file: string,
  values: HelperValues,
  context: HelperContext,
): Promise<number> {
  const { logger } = context;
  const { options, retry } = cacheTransfer(values, context);
  const url = values.text("url");
  if (url === "") {
    logger.info(
      "No URL provided, cache will not be uploaded to shared cache server. " +
        "Cache will be stored only locally.",
    );
    return 0;
  }
  const { size } = statSync(file);
  const limit = values.int("max-uploaded-archive-size");
  if (limit > 0 && size > limit) {
    logger.info(
      `Cache archive size (${size}) is too big (Limit is set to ${limit}), ` +
        "cache will not be uploaded to shared cache server. Cache will be stored only locally.",
    );
    return 0;
  }
  const headers = values.list("header").map(parseHeader);
  logger.info(`Uploading ${basename(file)} to ${withoutQuery(url)}`);
  await retryTransfer(() => uploadCache(url, file, { ...options, headers }), retry);
  return 0;
}

function parseHeader(text: string): readonly [string, string] {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new ConfigurationError(`Invalid header "${text}": use key:value`);
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}
