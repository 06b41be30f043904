/** `artifacts-downloader`: fetches the artifacts of earlier jobs and extracts them here. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extractArchive } from "../archive/extract.ts";
import { type ArtifactDownload, downloadArtifact } from "../coordinator/artifacts.ts";
import { ConfigurationError } from "../errors.ts";
import { delay, link } from "../util/abort.ts";
import { Semaphore } from "../util/semaphore.ts";
import { shortToken } from "../util/token.ts";
import { artifactAccess, CREDENTIAL_FLAGS, METER_FLAGS, RETRY_FLAGS } from "./common_flags.ts";
import type { HelperFlag, HelperValues } from "./flags.ts";
import type { HelperCommand, HelperContext } from "./helper_command.ts";
import { statusLine } from "./status_line.ts";

const FLAGS: readonly HelperFlag[] = [
  ...CREDENTIAL_FLAGS.map((flag) => flag.name === "id" ? { ...flag, type: "list" as const } : flag),
  ...RETRY_FLAGS,
  ...METER_FLAGS,
  {
    name: "direct-download",
    type: "bool",
    env: "FF_USE_DIRECT_DOWNLOAD",
    help: "Ask for the object storage's own URL on the first try",
  },
  {
    name: "archiver-staging-dir",
    type: "string",
    env: "ARCHIVER_STAGING_DIR",
    help: "Directory of the temporary file",
  },
];

export const artifactsDownloader: HelperCommand = {
  name: "artifacts-downloader",
  summary: "download and extract build artifacts (internal)",
  flags: FLAGS,
  run: runArtifactsDownloader,
};

/** Archives on their way at once; more would only share the same line. */
const AT_A_TIME = 4;

/** Several `--id` are fetched at the same time and extracted in their order. */
async function runArtifactsDownloader(
  values: HelperValues,
  context: HelperContext,
): Promise<number> {
  const { cwd, logger } = context;
  const access = artifactAccess(values, context);
  const ids = jobIds(values);
  // Other processes may see the staging directory: the archives go into one of our own.
  const staging = await mkdtemp(
    join(values.text("archiver-staging-dir") || tmpdir(), "artifacts-"),
  );
  const stop = new AbortController();
  const unlink = link(context.signal, stop);
  const { signal } = stop;
  const turns = new Semaphore(AT_A_TIME);
  const direct = values.bool("direct-download");
  const downloads = ids.map(async (jobId) => {
    using _turn = await turns.acquire({ signal });
    const archive = join(staging, String(jobId));
    const downloaded = await downloadInRounds(
      { ...access, jobId, direct, destination: archive, signal },
      values,
    );
    return downloaded ? archive : undefined;
  });
  // What goes wrong with one is told when its turn comes.
  for (const download of downloads) download.catch(() => {});
  try {
    for (const download of downloads) {
      const archive = await download;
      if (archive === undefined) return 1;
      await extractArchive({
        archive,
        destination: cwd,
        onProblem: (name, problem) => logger.warning(`${name}: ${problem}`),
        signal,
      });
    }
    return 0;
  } finally {
    stop.abort(new Error("Another download failed"));
    await Promise.allSettled(downloads);
    unlink();
    await rm(staging, { recursive: true, force: true });
  }
}

function jobIds(values: HelperValues): readonly number[] {
  return values.list("id").map((text) => {
    const id = Number(text);
    if (Number.isSafeInteger(id) && id > 0) return id;
    throw new ConfigurationError(`Flag --id: expected the number of a job, got "${text}"`);
  });
}

async function downloadInRounds(
  download: ArtifactDownload,
  values: HelperValues,
): Promise<boolean> {
  const { logger, signal } = download;
  const rounds = 1 + Math.max(0, values.int("retry"));
  for (let round = 1;; round++) {
    const verdict = await downloadOnce({ ...download, direct: download.direct && round === 1 });
    if (verdict.kind === "done") return true;
    if (verdict.kind === "final" || round >= rounds) {
      logger.fatal(verdict.error);
      return false;
    }
    logger.warning("Retrying...", { context: "artifacts-downloader", error: verdict.error });
    await delay(values.durationMs("retry-time"), { signal });
  }
}

type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "final" | "again"; readonly error: string };

async function downloadOnce(download: ArtifactDownload): Promise<Verdict> {
  const { logger, jobId, token } = download;
  const outcome = await downloadArtifact(download);
  const line = "Downloading artifacts from coordinator...";
  const fields = { id: jobId, token: shortToken(token.reveal()) };
  if (outcome.kind === "unreachable") {
    logger.error(`${line} error`, { ...fields, error: outcome.message });
    return { kind: "again", error: "invalid argument" };
  }
  const { status, correlationId } = outcome;
  const answered = { ...fields, status, correlation_id: correlationId };
  switch (outcome.kind) {
    case "downloaded":
      logger.info(`${line} ok`, answered);
      return { kind: "done" };
    case "forbidden":
      logger.error(`${line} ${status === 401 ? "unauthorized" : "forbidden"}`, {
        ...answered,
        error: outcome.message,
      });
      return { kind: "final", error: "permission denied" };
    case "not-found":
      logger.error(`${line} not found`, { ...answered, error: outcome.message });
      return { kind: "final", error: "file does not exist" };
    case "rejected":
      logger.error(`${line} ${statusLine(status)}`, { ...answered, error: outcome.message });
      return { kind: "again", error: "invalid argument" };
  }
}
