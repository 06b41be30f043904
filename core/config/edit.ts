/** Changing config.toml: one writer at a time, all or nothing, comments kept. */

import {
  chown,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { codeOf, ConfigurationError, messageOf } from "../errors.ts";
import { syncFolder } from "../util/durable.ts";
import { Secret } from "../util/secret.ts";
import { type Environment, expandReferences } from "./entry.ts";
import { takeWriterLock, type WriterLock } from "./writer_lock.ts";
import { parseDocument, readConfigText } from "./load.ts";
import { isTable, type RawTable, writtenName } from "./normalise.ts";
import { addRunner, removeRunners, setRunner } from "./toml_edit.ts";
import { FIRST_CONFIG } from "./toml_text.ts";

/** One entry as the file has it while it is edited; environment references expanded. */
export interface RunnerIdentity {
  readonly index: number;
  readonly name: string;
  readonly url: string;
  readonly token: Secret;
  readonly executor: string;
}

/** What an edit sees and does. Indices are those of `runners`, which follows every change. */
export interface ConfigDraft {
  readonly runners: readonly RunnerIdentity[];
  /** Indices of the entries with this URL and token: one, unless the file has it twice. */
  indicesOf(runner: Pick<RunnerIdentity, "url" | "token">): readonly number[];
  /** Adds a `[[runners]]` entry at the end. Values are those of TOML; a Secret is written out. */
  addRunner(entry: Readonly<RawTable>): void;
  /** Sets plain keys of an entry; undefined takes one away. */
  setRunner(index: number, values: Readonly<RawTable>): void;
  removeRunners(indices: readonly number[]): void;
}

export interface EditOptions {
  readonly env: Environment;
  readonly signal?: AbortSignal;
}

/**
 * Reads the file, lets `edit` change it, and writes it: 0600, in a folder of 0700 when that is new.
 * A missing file starts as GitLab Runner's first one; a symbolic link stays one. Other writers wait,
 * in this process and in others. When anything fails the old file is still whole.
 */
export async function editConfig(
  path: string,
  edit: (draft: ConfigDraft) => void | Promise<void>,
  options: EditOptions,
): Promise<void> {
  const target = await targetOf(path);
  await using lock = await lockFor(target, options);
  await removeLeftovers(target);
  const before = await textOf(target, options);
  const draft = new Draft(before ?? FIRST_CONFIG, path, options.env);
  await edit(draft);
  if (draft.text === before) return;
  options.signal?.throwIfAborted();
  await writeWhole(target, draft.text, () => lock.assertHeld());
}

class Draft implements ConfigDraft {
  readonly #path: string;
  readonly #env: Environment;
  text: string;

  constructor(text: string, path: string, env: Environment) {
    this.#path = path;
    this.#env = env;
    this.text = text;
    parseDocument(text, path);
  }

  get runners(): readonly RunnerIdentity[] {
    const document = parseDocument(this.text, this.#path);
    const runners = document[writtenName(document, "runners")];
    if (!Array.isArray(runners)) return [];
    return runners.filter(isTable).map((runner, index) => ({
      index,
      name: textAt(runner, "name"),
      url: expandReferences(textAt(runner, "url"), this.#env),
      token: new Secret(expandReferences(textAt(runner, "token"), this.#env)),
      executor: textAt(runner, "executor"),
    }));
  }

  indicesOf({ url, token }: Pick<RunnerIdentity, "url" | "token">): readonly number[] {
    return this.runners
      .filter((entry) => entry.url === url && entry.token.reveal() === token.reveal())
      .map(({ index }) => index);
  }

  addRunner(entry: Readonly<RawTable>): void {
    this.text = addRunner(this.text, entry);
  }

  setRunner(index: number, values: Readonly<RawTable>): void {
    this.text = setRunner(this.text, index, values);
  }

  removeRunners(indices: readonly number[]): void {
    this.text = removeRunners(this.text, indices);
  }
}

function textAt(table: RawTable, key: string): string {
  const value = table[writtenName(table, key)];
  return typeof value === "string" ? value : "";
}

/** Where the bytes are: the end of a chain of links, also when no file is there yet. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw unwritable(path, error);
  }
  const link = await readlink(path).catch(() => undefined);
  return link === undefined ? path : await targetOf(resolve(dirname(path), link));
}

async function lockFor(target: string, options: EditOptions): Promise<WriterLock> {
  const folder = dirname(target);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await takeWriterLock(join(folder, `.${basename(target)}.lock`), options);
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw unwritable(target, cause);
  }
}

async function textOf(path: string, options: EditOptions): Promise<string | undefined> {
  try {
    return await readConfigText(path, options);
  } catch (error) {
    if (codeOf(error instanceof Error ? error.cause : error) === "ENOENT") return undefined;
    throw error;
  }
}

/** What a killed writer left; the lock says that no living one needs it. */
async function removeLeftovers(target: string): Promise<void> {
  const mine = temporaryName(target, "");
  const names = await readdir(dirname(target));
  const left = names.filter((name) => name.startsWith(mine));
  await Promise.all(left.map((name) => rm(join(dirname(target), name), { force: true })));
}

function temporaryName(target: string, suffix: string): string {
  return `.${basename(target)}.new-${suffix}`;
}

async function writeWhole(
  target: string,
  text: string,
  assertMayPublish: () => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(target), temporaryName(target, crypto.randomUUID()));
  try {
    await writeSynced(temporary, text);
    await keepOwner(temporary, target);
    await assertMayPublish();
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw unwritable(target, cause);
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(text);
  await file.sync();
}

/** A root shell must not take the file away from the service's own user. */
async function keepOwner(temporary: string, target: string): Promise<void> {
  try {
    const [old, fresh] = await Promise.all([stat(target), stat(temporary)]);
    if (old.uid !== fresh.uid || old.gid !== fresh.gid) await chown(temporary, old.uid, old.gid);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function unwritable(path: string, cause: unknown): ConfigurationError {
  if (cause instanceof ConfigurationError) return cause;
  const why = codeOf(cause) === "EBUSY"
    ? "it is a mount point of its own; mount its folder instead"
    : messageOf(cause);
  return new ConfigurationError(`Cannot write configuration "${path}": ${why}`, { cause });
}
