/** Build stages `restore_cache` and `archive_cache`: the job's caches, by helper commands. */

import { posix } from "node:path";
import { hashedCacheKey, sanitizeCacheKey } from "../../cache/key.ts";
import { SystemFailure } from "../../errors.ts";
import type { JobCache } from "../../job/response.ts";
import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import { applies, helperCall, helperPreamble } from "./common.ts";
import { notice, plain, warning } from "./print.ts";

/** Empty when the job has no cache. Throws SystemFailure for a policy that is none. */
export function restoreCache(context: PlanContext): readonly ScriptOp[] {
  const ops = context.spec.cache.filter(hasContent).flatMap((entry): readonly ScriptOp[] => {
    const main = cacheKey(context, context.variables.expand(entry.key) || defaultKey(context));
    if (main.key === "") {
      return [...main.notes, notice("Skipping cache extraction due to empty cache key")];
    }
    if (policyOf(context, entry, main.key) === "push") {
      return [...main.notes, notice(`Not downloading cache ${main.key} due to policy`)];
    }
    const fallbacks = fallbackKeys(context, entry);
    const keys = [main, ...fallbacks].flatMap(({ key }) => key === "" ? [] : [key]);
    return [
      ...[main, ...fallbacks].flatMap(({ notes }) => notes),
      ...extractFirst(context, keys, entry.paths),
    ];
  });
  return ops.length === 0 ? [] : [...helperPreamble(context, []), ...ops];
}

/** Tries the keys in order until one of their archives could be extracted. */
function extractFirst(
  context: PlanContext,
  keys: readonly string[],
  paths: readonly string[],
): readonly ScriptOp[] {
  const [key, ...rest] = keys;
  if (key === undefined) return [];
  const argv = [
    "cache-extractor",
    "--file",
    archivePath(context, key),
    "--timeout",
    String(context.settings.cacheRequestTimeoutMinutes),
  ];
  return [
    notice(`Checking cache for ${key}...`),
    {
      kind: "attempt",
      ops: [
        helperCall(context, "Extracting cache", argv),
        notice("Successfully extracted cache"),
      ],
      otherwise: [
        warning("Failed to extract cache"),
        ...(context.flags.FF_CLEAN_UP_FAILED_CACHE_EXTRACT ? removeExtracted(context, paths) : []),
        ...extractFirst(context, rest, paths),
      ],
    },
  ];
}

/** What a broken archive may have left behind goes, unless it lies outside of the checkout. */
function removeExtracted(context: PlanContext, paths: readonly string[]): readonly ScriptOp[] {
  const { projectDir } = context.paths;
  return paths.flatMap((given): readonly ScriptOp[] => {
    const path = posix.resolve(projectDir, context.variables.expand(given));
    if (!path.startsWith(`${projectDir}/`)) return [];
    return [
      plain(`Removing ${given}`),
      { kind: "remove-directory", path },
    ];
  });
}

/** Empty when no cache is to be saved after this outcome. Throws like {@link restoreCache}. */
export function archiveCache(
  context: PlanContext,
  outcome: "success" | "failure",
): readonly ScriptOp[] {
  const { variables } = context;
  const ops = context.spec.cache.filter(hasContent).flatMap((entry): readonly ScriptOp[] => {
    if (!applies(variables.expand(entry.when), outcome)) return [];
    const { key, notes } = cacheKey(context, variables.expand(entry.key) || defaultKey(context));
    if (key === "") return [...notes, notice("Skipping cache archiving due to empty cache key")];
    if (policyOf(context, entry, key) === "pull") {
      return [...notes, notice(`Not uploading cache ${key} due to policy`)];
    }
    const metadata = { CACHE_METADATA: JSON.stringify({ cachekey: key }) };
    return [
      ...notes,
      notice(`Creating cache ${key}...`),
      {
        kind: "attempt",
        ops: [
          helperCall(context, "Creating cache", archiverArguments(context, entry, key), metadata),
          notice("Created cache"),
        ],
        otherwise: [warning("Failed to create cache")],
      },
    ];
  });
  if (ops.length === 0) return [];
  return [...helperPreamble(context, context.spec.cache.flatMap(({ paths }) => paths)), ...ops];
}

function archiverArguments(context: PlanContext, entry: JobCache, key: string): readonly string[] {
  const { runner, settings } = context;
  return [
    "cache-archiver",
    "--file",
    archivePath(context, key),
    "--alternate-file",
    archivePath(context, key, { alternate: true }),
    "--timeout",
    String(settings.cacheRequestTimeoutMinutes),
    ...(runner.cache.MaxUploadedArchiveSize > 0
      ? ["--max-uploaded-archive-size", String(runner.cache.MaxUploadedArchiveSize)]
      : []),
    ...entry.paths.flatMap((path) => ["--path", path]),
    ...(entry.untracked ? ["--untracked"] : []),
  ];
}

function hasContent(entry: JobCache): boolean {
  return entry.paths.length > 0 || entry.untracked;
}

interface ResolvedKey {
  /** Empty: there is no such cache. */
  readonly key: string;
  /** What the user should know about a key that could not be taken as it is. */
  readonly notes: readonly ScriptOp[];
}

function cacheKey(context: PlanContext, given: string): ResolvedKey {
  if (context.flags.FF_HASH_CACHE_KEYS) return { key: given, notes: [] };
  const key = sanitizeCacheKey(given);
  if (key === given) return { key, notes: [] };
  const problem = key === "" ? "could not be sanitized" : `sanitized to "${key}"`;
  return { key, notes: [warning(`cache key "${given}" ${problem}`)] };
}

function defaultKey({ spec }: PlanContext): string {
  return posix.join("/", spec.name, spec.git.ref).slice(1);
}

function fallbackKeys(context: PlanContext, entry: JobCache): readonly ResolvedKey[] {
  const { variables, settings } = context;
  const keys = entry.fallback_keys.map((each) => variables.expand(each));
  const last = settings.cacheFallbackKey;
  const resolved = keys.filter((key) => key !== "").map((key) => cacheKey(context, key));
  if (last === "") return resolved;
  const { key, notes } = cacheKey(context, last);
  if (!/-protected[. ]*$/.test(key)) return [...resolved, { key, notes }];
  const refusal = warning(`CACHE_FALLBACK_KEY "${key}" not allowed to end in "-protected"`);
  return [...resolved, { key: "", notes: [...notes, refusal] }];
}

function policyOf(context: PlanContext, entry: JobCache, key: string): "pull" | "push" | "both" {
  const policy = context.variables.expand(entry.policy);
  switch (policy) {
    case "":
    case "pull-push":
      return "both";
    case "pull":
    case "push":
      return policy;
    default:
      throw new SystemFailure(`unknown cache policy ${policy} for ${key}`);
  }
}

/** `alternate`: where the archive lies when `FF_HASH_CACHE_KEYS` is turned over. */
function archivePath(
  context: PlanContext,
  key: string,
  options: { alternate?: boolean } = {},
): string {
  const hashed = context.flags.FF_HASH_CACHE_KEYS !== (options.alternate ?? false);
  // A key that is hashed otherwise may be anything, also a path that leads elsewhere.
  const name = (hashed ? "" : sanitizeCacheKey(key)) || hashedCacheKey(key);
  return `${context.paths.cacheDir}/${name}/cache.zip`;
}
