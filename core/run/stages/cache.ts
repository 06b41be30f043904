/** Build stages `restore_cache` and `archive_cache`: the job's caches, by helper commands. */

import type { JobCache } from "../../job/response.ts";
import { sanitizeCacheKey } from "../../cache/key.ts";
import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import { applies, helperCall, helperPreamble } from "./common.ts";

const notice = (text: string): ScriptOp => ({ kind: "print", style: "notice", text });
const warning = (text: string): ScriptOp => ({ kind: "print", style: "warning", text });

/** Empty when the job has no cache. */
export function restoreCache(context: PlanContext): readonly ScriptOp[] {
  const ops = context.spec.cache.flatMap((entry): readonly ScriptOp[] => {
    const cache = cacheOf(context, entry);
    if (cache.key === "") return cache.notes;
    if (!pulls(cache.policy)) {
      return [...cache.notes, notice(`Not downloading cache ${cache.key} due to policy`)];
    }
    return [...cache.notes, ...extractFirst(context, [cache.key, ...cache.fallbackKeys])];
  });
  return ops.length === 0 ? [] : [...helperPreamble(context), ...ops];
}

/** Tries the keys in order until one of their archives could be extracted. */
function extractFirst(context: PlanContext, keys: readonly string[]): readonly ScriptOp[] {
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
      otherwise: [warning("Failed to extract cache"), ...extractFirst(context, rest)],
    },
  ];
}

/** Empty when no cache is to be saved after this outcome. */
export function archiveCache(
  context: PlanContext,
  outcome: "success" | "failure",
): readonly ScriptOp[] {
  const ops = context.spec.cache.flatMap((entry): readonly ScriptOp[] => {
    if (!applies(context.variables.expand(entry.when), outcome)) return [];
    if (entry.paths.length === 0 && !entry.untracked) return [];
    const cache = cacheOf(context, entry);
    if (cache.key === "") return cache.notes;
    if (!pushes(cache.policy)) {
      return [...cache.notes, notice(`Not uploading cache ${cache.key} due to policy`)];
    }
    const { variables, runner, settings } = context;
    const argv = [
      "cache-archiver",
      "--file",
      archivePath(context, cache.key),
      "--timeout",
      String(settings.cacheRequestTimeoutMinutes),
      ...(runner.cache.MaxUploadedArchiveSize > 0
        ? ["--max-uploaded-archive-size", String(runner.cache.MaxUploadedArchiveSize)]
        : []),
      ...entry.paths.flatMap((path) => ["--path", variables.expand(path)]),
      ...(entry.untracked ? ["--untracked"] : []),
    ];
    return [
      ...cache.notes,
      notice(`Creating cache ${cache.key}...`),
      {
        kind: "attempt",
        ops: [helperCall(context, "Creating cache", argv), notice("Created cache")],
        otherwise: [warning("Failed to create cache")],
      },
    ];
  });
  return ops.length === 0 ? [] : [...helperPreamble(context), ...ops];
}

interface ResolvedCache {
  readonly key: string;
  readonly fallbackKeys: readonly string[];
  readonly policy: string;
  /** What the user should know about keys that could not be taken as they are. */
  readonly notes: readonly ScriptOp[];
}

function cacheOf(context: PlanContext, entry: JobCache): ResolvedCache {
  const { variables, spec, settings } = context;
  const notes: ScriptOp[] = [];
  const usable = (given: string): string => {
    const key = sanitizeCacheKey(given);
    if (key === "") notes.push(warning(`cache key "${given}" could not be sanitized`));
    else if (key !== given) notes.push(warning(`cache key "${given}" sanitized to "${key}"`));
    return key;
  };
  const key = usable(variables.expand(entry.key) || `${spec.name}/${spec.git.ref}`);
  const fallbackKeys = entry.fallback_keys.map((each) => usable(variables.expand(each)));
  if (settings.cacheFallbackKey.endsWith("-protected")) {
    notes.push(
      warning(
        `CACHE_FALLBACK_KEY "${settings.cacheFallbackKey}" not allowed to end in "-protected"`,
      ),
    );
  } else if (settings.cacheFallbackKey !== "") fallbackKeys.push(usable(settings.cacheFallbackKey));
  const policy = variables.expand(entry.policy);
  if (!["", "pull", "push", "pull-push"].includes(policy)) {
    notes.push(warning(`unknown cache policy "${policy}" for ${key}`));
    return { key: "", fallbackKeys: [], policy, notes };
  }
  return { key, fallbackKeys: fallbackKeys.filter((each) => each !== ""), policy, notes };
}

function pulls(policy: string): boolean {
  return policy !== "push";
}

function pushes(policy: string): boolean {
  return policy !== "pull";
}

function archivePath(context: PlanContext, key: string): string {
  return `${context.paths.cacheDir}/${key}/cache.zip`;
}
