/** Keywords that stand in a job, and in `default` for all jobs that do not have them. */

import type { CiJob } from "../ci_config.ts";
import { parseCiDuration } from "../duration.ts";
import { isString, placeOf } from "../yaml/node.ts";
import { readArtifacts } from "./artifacts.ts";
import { readCaches } from "./cache.ts";
import { readIdTokens } from "./credentials.ts";
import type { Entry, MappingEntry } from "./entry.ts";
import { readImage, readServices } from "./image.ts";
import { NO_RETRY, readRetry } from "./retry.ts";
import { collectStrings, readHooks, readScript } from "./script.ts";

/** GitLab takes fewer than this. */
const TAGS_LIMIT = 50;
const MAX_TIMEOUT_SECONDS = 30 * 24 * 3600;

/** A keyword of `default`, and what it becomes in a job. */
const READERS = {
  before_script: (entry: Entry) => ({ beforeScript: readScript(entry) }),
  after_script: (entry: Entry) => ({ afterScript: readScript(entry) }),
  hooks: (entry: Entry) => ({ hooks: readHooks(entry) }),
  image: (entry: Entry) => ({ image: readImage(entry) }),
  services: (entry: Entry) => ({ services: readServices(entry) }),
  cache: (entry: Entry) => ({ cache: readCaches(entry) }),
  artifacts: (entry: Entry) => ({ artifacts: readArtifacts(entry) }),
  retry: (entry: Entry) => ({ retry: readRetry(entry) }),
  timeout: (entry: Entry) => ({ timeoutSeconds: readTimeout(entry) }),
  tags: (entry: Entry) => ({ tags: readTags(entry) }),
  interruptible: (entry: Entry) => ({ interruptible: readBoolean(entry) ?? false }),
  id_tokens: (entry: Entry) => ({ idTokens: readIdTokens(entry) }),
  identity: (entry: Entry) => {
    readIdentity(entry);
    return {};
  },
} satisfies Readonly<Record<string, (entry: Entry) => Partial<CiJob>>>;

export type SharedKey = keyof typeof READERS;
export type SharedKeywords = Pick<
  CiJob,
  | "beforeScript"
  | "afterScript"
  | "hooks"
  | "image"
  | "services"
  | "cache"
  | "artifacts"
  | "retry"
  | "timeoutSeconds"
  | "tags"
  | "interruptible"
  | "idTokens"
>;
/** What `default` says, by keyword, so that a job inherits as many of them as it wants. */
export type Defaults = Readonly<Partial<Record<SharedKey, Partial<SharedKeywords>>>>;

export const SHARED_KEYS = Object.keys(READERS) as readonly SharedKey[];

export const NOTHING_SHARED: SharedKeywords = {
  beforeScript: [],
  afterScript: [],
  hooks: {},
  image: undefined,
  services: [],
  cache: [],
  artifacts: undefined,
  retry: NO_RETRY,
  timeoutSeconds: undefined,
  tags: [],
  interruptible: false,
  idTokens: {},
};

/** Those of `keys` that are there. */
export function readShared(entry: MappingEntry, keys: readonly SharedKey[]): Defaults {
  const found: Partial<Record<SharedKey, Partial<SharedKeywords>>> = {};
  for (const key of keys) {
    const value = entry.at(key);
    if (value !== undefined) found[key] = READERS[key](value);
  }
  return found;
}

function readTimeout(entry: Entry): number | undefined {
  const seconds = isString(entry.node) ? parseCiDuration(entry.node.value) : undefined;
  if (seconds === undefined) return entry.report("config should be a duration");
  return seconds > MAX_TIMEOUT_SECONDS
    ? entry.report("config should not exceed the limit")
    : seconds;
}

function readTags(entry: Entry): readonly string[] {
  const tags: string[] = [];
  if (entry.node.kind !== "sequence" || !collectStrings(entry.node, 2, tags)) {
    entry.report("config should be an array of strings");
  }
  if (tags.length >= TAGS_LIMIT) {
    entry.report(`config must be less than the limit of ${TAGS_LIMIT} tags`);
  }
  return tags;
}

/** Nothing comes of it on this machine, which is said. */
function readIdentity(entry: Entry): void {
  const { node, name, context } = entry;
  if (!isString(node)) return entry.report("config should be a string");
  if (node.value !== "google_cloud") return entry.report("config should be one of: google_cloud");
  const message = "identity gives a job no credentials here: no cloud knows this machine's jobs";
  context.problems.warn(message, placeOf(node), { keyword: name });
}

function readBoolean(entry: Entry): boolean | undefined {
  const { node } = entry;
  return node.kind === "scalar" && typeof node.value === "boolean"
    ? node.value
    : entry.report("config should be a boolean value");
}
