/** A lock between processes that write the same file. */

import { open, readFile, rename, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { codeOf, ConfigurationError } from "../errors.ts";
import { delay } from "../util/abort.ts";
import { isAlive } from "../util/is_alive.ts";
import { parseJson } from "../util/json.ts";

export interface WriterLock extends AsyncDisposable {
  /** Throws a ConfigurationError when another process has broken the lock. Ask before publishing. */
  assertHeld(): Promise<void>;
}

/** Long enough for a queue of writers, each of which needs some milliseconds. */
const PATIENCE_MS = 10_000;

/** Between two looks; a lock is held for a few milliseconds, so waiting for an event gains nothing. */
const LOOK_MS = 10;

/** A writer on another host or in another container cannot be asked whether it lives. */
const FOREIGN_STALE_MS = 30_000;

/**
 * Waits until `path` (a file of its own, beside the one that is written) can be created, which
 * makes the caller the only writer. It holds who made it, so that the lock of a process that died
 * is taken over. A file and not flock(2): that needs FFI with a library per platform, does not
 * exist on Windows, and says nothing about who holds it.
 */
export async function takeWriterLock(
  path: string,
  options: { signal?: AbortSignal | undefined; patienceMs?: number } = {},
): Promise<WriterLock> {
  const me = JSON.stringify({ ...await identity(process.pid), nonce: crypto.randomUUID() });
  const until = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  while (!(await create(path, me))) {
    const holder = await contents(path);
    if (holder !== undefined && await isStale(path, holder)) await breakLock(path, holder);
    else if (performance.now() > until) throw heldBy(path, holder);
    else await delay(LOOK_MS * (0.5 + Math.random()), options);
  }
  return {
    async assertHeld() {
      if (await contents(path) !== me) throw heldBy(path, await contents(path));
    },
    async [Symbol.asyncDispose]() {
      if (await contents(path) === me) await unlink(path);
    },
  };
}

const Identity = z.object({
  pid: z.number(),
  host: z.string(),
  /** Tells a process from a later one with the same number; undefined where it cannot be had. */
  started: z.string().optional(),
});
type Identity = z.infer<typeof Identity>;

async function identity(pid: number): Promise<Identity> {
  return { pid, host: hostname(), started: await startTime(pid) };
}

/** Field 22 of `/proc/<pid>/stat`, counted behind the name, which may hold anything. */
async function startTime(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    await using file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(text);
    } catch (error) {
      // On a full disk: nobody could tell whose it is, and all would wait for it.
      await unlink(path);
      throw error;
    }
    return true;
  } catch (error) {
    // Windows says EPERM for a file that is just being deleted.
    const code = codeOf(error);
    if (code === "EEXIST" || (code === "EPERM" && process.platform === "win32")) return false;
    throw error;
  }
}

async function contents(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function isStale(path: string, text: string): Promise<boolean> {
  const holder = parseIdentity(text);
  if (holder?.host !== hostname()) return await ageMs(path) > FOREIGN_STALE_MS;
  if (!isAlive(holder.pid)) return true;
  const started = await startTime(holder.pid);
  return started !== undefined && holder.started !== undefined && started !== holder.started;
}

/** Undefined for a lock whose maker has not written it yet, and for one that is none of ours. */
function parseIdentity(text: string): Identity | undefined {
  const parsed = Identity.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

async function ageMs(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return 0;
    throw error;
  }
}

/**
 * Moves a stale lock away, which only one of several processes can do. Should it turn out that
 * another has taken over in between, the moved lock was a live one: its owner finds out by
 * `assertHeld` before it publishes anything.
 */
async function breakLock(path: string, stale: string): Promise<void> {
  if (await contents(path) !== stale) return;
  const aside = `${path}.${crypto.randomUUID()}`;
  try {
    await rename(path, aside);
    await unlink(aside);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function heldBy(path: string, text: string | undefined): ConfigurationError {
  const holder = parseIdentity(text ?? "");
  const who = holder ? `process ${holder.pid} on ${holder.host}` : "another process";
  return new ConfigurationError(
    `Cannot lock "${path}": ${who} is writing; try again, or delete the file if nothing is`,
  );
}
