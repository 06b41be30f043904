/** `pages` and `publish`: a job that publishes a directory. */

import type { CiArtifacts, CiJob } from "../ci_config.ts";
import { child, isString } from "../yaml/node.ts";
import { NO_ARTIFACTS, plainRecord } from "./artifacts.ts";
import type { Entry, MappingEntry } from "./entry.ts";

/** What a pages job publishes is kept as artifacts. */
export function readPagesOf(
  name: string,
  entry: MappingEntry,
  artifacts: CiArtifacts | undefined,
): Pick<CiJob, "pages" | "artifacts"> {
  const keyword = entry.at("pages");
  const pages = keyword === undefined ? undefined : readPages(keyword);
  entry.string("publish");
  const isPages = pages === undefined ? name === "pages" : pages !== false;
  if (!isPages) {
    if (child(entry.node, "publish") !== undefined) {
      entry.reportKey("publish", "can only be used within a `pages` job");
    }
    return { pages, artifacts };
  }
  const path = publishedPath(entry);
  const paths = artifacts?.paths ?? [];
  return {
    pages: pages ?? true,
    artifacts: {
      ...(artifacts ?? NO_ARTIFACTS),
      paths: paths.includes(path) ? paths : [...paths, path],
    },
  };
}

/** `pages: true`, or a mapping; the directory it publishes is part of the artifacts. */
function readPages(entry: Entry): boolean | Readonly<Record<string, unknown>> | undefined {
  if (entry.node.kind === "scalar" && typeof entry.node.value === "boolean") {
    return entry.node.value;
  }
  if (!entry.isMapping()) return entry.report("config should be a hash or a boolean value");
  entry.checkKeys(["path_prefix", "expire_in", "publish"]);
  entry.string("path_prefix");
  entry.string("publish");
  entry.duration("expire_in", { never: true, variables: true });
  return plainRecord(entry);
}

/** The directory of a pages job: `pages:publish`, `publish`, or `public`. */
function publishedPath(job: MappingEntry): string {
  const pages = child(job.node, "pages");
  const inPages = pages?.kind === "mapping" ? child(pages, "publish") : undefined;
  const own = inPages ?? child(job.node, "publish");
  return isString(own) ? own.value : "public";
}
