/** `cache-extractor`: brings a cache back, from the object storage or from this machine. */

import { statSync } from "node:fs";
import { basename } from "node:path";
import { extractArchive } from "../archive/extract.ts";
import { downloadCache, retryTransfer, withoutQuery } from "../cache/transfer.ts";
import { messageOf } from "../errors.ts";
import { CACHE_FLAGS, cacheTransfer } from "./cache_flags.ts";
import type { HelperFlag, HelperValues } from "./flags.ts";
import type { HelperCommand, HelperContext } from "./helper_command.ts";

const FLAGS: readonly HelperFlag[] = [
  ...CACHE_FLAGS,
  { name: "alternate-url", type: "string", help: "Signed URL under an earlier form of the key" },
  { name: "alternate-gocloud-url", type: "string", help: "Not supported; use a signed URL" },
  { name: "head-url", type: "string", help: "Accepted and not used: the download itself tells" },
  { name: "alternate-head-url", type: "string", help: "Accepted and not used" },
];

export const cacheExtractor: HelperCommand = {
  name: "cache-extractor",
  summary: "download and extract cache artifacts (internal)",
  flags: FLAGS,
  run: runCacheExtractor,
};

/** The script tells the user about a cache that is not there, by the exit code 1. */
async function runCacheExtractor(values: HelperValues, context: HelperContext): Promise<number> {
  const { cwd, logger, signal } = context;
  const file = values.text("file");
  if (file === "") {
    logger.warning("Missing cache file");
    return 1;
  }
  const problem = await fetchCache(file, values, context);
  if (problem !== undefined) {
    logger.warning(problem);
    return 1;
  }
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) {
    // Jobs can write to the cache's directory, and a pipe would be waited for.
    logger.warning(found ? "Cache file is not a regular file" : "Cache file does not exist");
    return 1;
  }
  await extractArchive({
    archive: file,
    destination: cwd,
    onProblem: (name, text) => logger.warning(`${name}: ${text}`),
    signal,
  });
  return 0;
}

/** Why there is no cache to be had; undefined when the local archive is what it should be. */
async function fetchCache(
  file: string,
  values: HelperValues,
  context: HelperContext,
): Promise<string | undefined> {
  const { logger, signal } = context;
  const { options, retry } = cacheTransfer(values, context);
  const urls = [values.text("url"), values.text("alternate-url")].filter((url) => url !== "");
  if (urls.length === 0) {
    logger.info(
      "No URL provided, cache will not be downloaded from shared cache server. " +
        "Instead a local version of cache will be extracted.",
    );
    return undefined;
  }
  for (const url of urls) {
    const onStart = ({ etag, size }: { etag: string; size: string }) =>
      logger.info(`Downloading cache from ${withoutQuery(url)}`, { ETag: etag, size });
    try {
      const download = await retryTransfer(
        () => downloadCache(url, file, { ...options, onStart }),
        retry,
      );
      if (download.kind === "not-found") continue;
      if (download.kind === "up-to-date") logger.info(`${basename(file)} is up to date`);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return messageOf(error);
    }
  }
  return "file does not exist";
}
