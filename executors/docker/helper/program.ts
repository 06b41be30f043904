/** This executable as helper containers get it: the file, a C library to lend, a script before both. */

import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { encodeTarHeader, TAR_BLOCK, tarPadding } from "../../../core/archive/tar_header.ts";
import { SystemFailure } from "../../../core/errors.ts";
import { executableFor, type Platform } from "../../../core/util/own_executable.ts";
import { buildInfo, goPlatform } from "../../../core/version.ts";
import { quoteWord } from "../../../core/util/quote_word.ts";
import { type LibraryFile, ownLibraries } from "./c_library.ts";
import { elfFacts } from "./elf.ts";

/** Where the executable is in a helper container. */
export const HELPER_DIRECTORY = "/opt/gitlab-runner-helper";

export const HELPER_COMMAND: readonly string[] = [`${HELPER_DIRECTORY}/gitlab-runner-helper`];

/** Written behind all else, so that a directory that has it is complete. */
export const MARK = "complete";

const PROGRAM = "runner";
const LIBRARIES = "lib";

export type { Platform };

export interface HelperProgram {
  readonly path: string;
  readonly size: number;
  readonly interpreter: string | undefined;
  /** It is for this host's processor, so that this host's C library fits it. */
  readonly isLocal: boolean;
  /** Tells it from every other: part of the names of volumes. */
  readonly digest: string;
}

/**
 * The program for `platform`: this one's own file, or the one beside it that is for another
 * processor. Throws SystemFailure that says where it has to be.
 */
export async function helperProgram(own: string, platform: Platform): Promise<HelperProgram> {
  return await programAt(await programFile(own, platform), platform);
}

/** Throws SystemFailure when the file is for another platform, RunnerError when it is no program. */
export async function programAt(path: string, platform: Platform): Promise<HelperProgram> {
  const { architecture, interpreter } = await elfFacts(path);
  if (architecture !== platform.arch || platform.os !== "linux") {
    throw new SystemFailure(
      `"${path}" is for linux on ${architecture}, and ${platform.os} on ${platform.arch} is needed`,
    );
  }
  const { size, mtimeMs } = await stat(path);
  return {
    path,
    size,
    interpreter,
    isLocal: architecture === goPlatform().arch,
    digest: Bun.hash(`2 ${buildInfo.revision} ${size} ${mtimeMs}`).toString(16),
  };
}

async function programFile(own: string, platform: Platform): Promise<string> {
  const path = executableFor(own, platform);
  if (path === own || await Bun.file(path).exists()) return path;
  const name = basename(path);
  throw new SystemFailure(
    `Helper containers for ${platform.os} on ${platform.arch} need the executable for it at ` +
      `"${path}": take "${name}" from the release, or build it with ` +
      `"sh scripts/build.sh ${name.slice(7)}"`,
  );
}

/** A tar of the directory's content, below `prefix`. */
export async function* programTar(
  program: HelperProgram,
  prefix = "",
): AsyncGenerator<Uint8Array> {
  const at = (name: string) => join(prefix, name);
  const { path, size, interpreter, isLocal } = program;
  const libraries = isLocal && interpreter !== undefined ? await ownLibraries(interpreter) : [];
  const start = new TextEncoder().encode(startScript(interpreter, libraries));
  yield* prefix === "" ? [] : [directoryHeader(prefix)];
  yield* content(at("gitlab-runner-helper"), 0o755, start.length, [start]);
  yield directoryHeader(at(LIBRARIES));
  for (const library of libraries) {
    const bytes = (await stat(library.path)).size;
    yield* fileContent(at(`${LIBRARIES}/${library.name}`), library.path, bytes);
  }
  yield* fileContent(at(PROGRAM), path, size);
  yield* content(at(MARK), 0o444, 0, []);
  yield new Uint8Array(2 * TAR_BLOCK);
}

/** The libraries are lent to this program alone: what it starts has the image's own. */
function startScript(
  interpreter: string | undefined,
  [loader]: readonly LibraryFile[],
): string {
  const direct = `exec ${HELPER_DIRECTORY}/${PROGRAM} "$@"`;
  if (interpreter === undefined || loader === undefined) return `#!/bin/sh\n${direct}\n`;
  const lent = `${HELPER_DIRECTORY}/${LIBRARIES}`;
  return [
    "#!/bin/sh",
    `[ ! -e ${quoteWord(interpreter)} ] || ${direct}`,
    `exec ${lent}/${loader.name} --library-path ${lent} ${HELPER_DIRECTORY}/${PROGRAM} "$@"`,
    "",
  ].join("\n");
}

const OWNER = { uid: 0, gid: 0, mtimeMs: 0 } as const;

function directoryHeader(path: string): Uint8Array {
  return encodeTarHeader({ ...OWNER, kind: "directory", path, mode: 0o755 });
}

function fileContent(path: string, source: string, size: number): AsyncGenerator<Uint8Array> {
  return content(path, 0o755, size, Bun.file(source).slice(0, size).stream());
}

async function* content(
  path: string,
  mode: number,
  size: number,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield encodeTarHeader({ ...OWNER, kind: "file", path, mode, size });
  yield* chunks;
  yield tarPadding(size);
}
