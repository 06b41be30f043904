/** Compiles an entry point and its workers into one executable. */

import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

/**
 * `.env`, `bunfig.toml` and preloads of whatever directory a job or an operator stands in must not
 * reach the executable: the first two by the autoload flags, preloads by refusing code from strings.
 */
const COMPILE_FLAGS = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  "--splitting",
  "--sourcemap",
  // Most functions run a few times per job. Compiled to machine code at the runtime's own threshold
  // they and their compiler cost a manager 7 MB; what is hot, as masking, gets there all the same.
  "--compile-jit-policy=50",
  // What is used lies together: less of the executable is read at start, and stays in memory.
  `--bytecode-order=${join(import.meta.dirname, "startup.order")}`,
  // Split code ends up in one folder, whatever folder it came from: there a worker's
  // `new URL("./x_worker.ts", import.meta.url)` must find it.
  "--entry-naming=[name].[ext]",
  // ssh2 does without these two, which its installation builds where there is a compiler: a build
  // must not depend on that, and the runtime cannot load them all.
  "--external=cpu-features",
  "--external=*.node",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--compile-exec-argv=--disallow-code-generation-from-strings=strict --use-system-ca",
] as const;

export interface CompileOptions {
  /** Folder that holds the sources. */
  readonly root: string;
  /** Entry point, relative to `root`. */
  readonly entry: string;
  /** The executable to write or replace. */
  readonly outfile: string;
  /** Bun's name of the platform, `bun-linux-arm64`; without it, this machine. */
  readonly target?: string;
  /** Constants replaced in the sources, as plain text. */
  readonly define?: Readonly<Record<string, string>>;
}

/**
 * Writes `outfile` in one step: an executable that is running from the same path goes on undisturbed.
 * Throws with Bun's own messages when the sources do not compile.
 */
export async function compile(options: CompileOptions): Promise<void> {
  const { root, outfile } = options;
  await mkdir(dirname(outfile), { recursive: true });
  const scratch = await mkdtemp(join(dirname(outfile), ".build-"));
  try {
    const built = join(scratch, basename(outfile));
    await runBun(root, [
      "build",
      ...COMPILE_FLAGS,
      ...(options.target === undefined ? [] : [`--target=${options.target}`]),
      ...Object.entries(options.define ?? {}).map(([name, text]) =>
        `--define=${name}=${JSON.stringify(text)}`
      ),
      `--outfile=${relative(root, built)}`,
      options.entry,
      ...(await workersBelow(root)),
    ]);
    await rename(built, outfile);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Workers are started by their path, so each is an entry point of its own, and needs its own name. */
async function workersBelow(root: string): Promise<string[]> {
  const found = await Array.fromAsync(new Bun.Glob("core/**/*_worker.ts").scan({ cwd: root }));
  const names = new Set(found.map((path) => basename(path)));
  if (names.size < found.length) {
    throw new Error(`Two workers have one name: ${found.sort().join(", ")}`);
  }
  return found.sort();
}

async function runBun(cwd: string, args: readonly string[]): Promise<void> {
  const bun = Bun.spawn([process.execPath, ...args], { cwd, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    bun.stdout.text(),
    bun.stderr.text(),
    bun.exited,
  ]);
  if (code !== 0) throw new Error(`Cannot compile (exit code ${code}):\n${stdout}${stderr}`);
}
