/**
 * The C library that this process runs on, to be lent to images that have none for this executable:
 * a program that brings its loader and libraries along runs on any Linux of its processor.
 */

import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** One file under the name by which it is asked for. */
export interface LibraryFile {
  readonly name: string;
  readonly path: string;
}

/** Names that a library has beside that of its file: `libc.so.6` of `libc-2.31.so`. */
const LIBRARY = /\.so(?:\.\d+)*$/;

/**
 * The loader, as `interpreter` names it, and all libraries of this process. None where it was
 * loaded by something else, or the system has no list.
 */
export async function ownLibraries(interpreter: string): Promise<readonly LibraryFile[]> {
  const maps = await readFile("/proc/self/maps", "utf8").catch(() => "");
  const mapped = [...new Set(maps.split("\n").map((line) => line.slice(line.indexOf("/"))))]
    .filter((path) => path.startsWith("/") && LIBRARY.test(path));
  const loader = await realpath(interpreter).catch(() => "");
  if (!mapped.includes(loader)) return [];
  const named = await Promise.all(mapped.filter((path) => path !== loader).map(withNames));
  return [{ name: basename(interpreter), path: loader }, ...named.flat()];
}

async function withNames(path: string): Promise<readonly LibraryFile[]> {
  const file = basename(path);
  const directory = dirname(path);
  const entries = await readdir(directory, { withFileTypes: true });
  const links = await Promise.all(
    entries.filter((entry) => entry.isSymbolicLink() && LIBRARY.test(entry.name))
      .map(async ({ name }) => ({ name, target: await readlink(join(directory, name)) })),
  );
  const names = links.filter(({ target }) => target === file).map(({ name }) => name);
  return [...new Set([file, ...names])].map((name) => ({ name, path }));
}
