/** A source file as the architecture rules see it. */

import { posix } from "node:path";
import { blankText } from "./blank_text.ts";

const SOURCE_GLOBS = [
  "main.ts",
  "{core,executors,shells,plugins,sdk,tests,scripts}/**/*.ts",
] as const;

/** How the compiler wants the type of a file named that is no TypeScript: `x.py` has `x.d.py.ts`. */
const DECLARATION = /\.d\.\w+\.ts$/;

/** `import … from ""`, `export … from ""`, `import ""`, `import("")` and a worker's `new URL("", …)`. */
const REFERENCE = /\b(?:from|import)\s*\(?\s*["']|\bnew\s+URL\(\s*["']/g;

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text without comments and without what strings hold. */
  readonly code: string;
  /** Everything this file refers to, type-only imports included. */
  readonly imports: readonly Import[];
}

export interface Import {
  /** As written: `../util/abort.ts`, `node:path`, `zod`. */
  readonly specifier: string;
  /** The file of this repository that is meant; none for packages and built-ins. */
  readonly path: string | undefined;
}

export async function readSourceFiles(root: string): Promise<SourceFile[]> {
  const paths = new Set<string>();
  for (const glob of SOURCE_GLOBS) {
    for await (const path of new Bun.Glob(glob).scan({ cwd: root })) {
      if (!DECLARATION.test(path)) paths.add(path.replaceAll("\\", "/"));
    }
  }
  return await Promise.all(
    [...paths].sort().map(async (path) =>
      parseSourceFile(path, await Bun.file(`${root}/${path}`).text())
    ),
  );
}

export function parseSourceFile(path: string, text: string): SourceFile {
  const code = blankText(text);
  const imports = [...code.matchAll(REFERENCE)].map((match) => {
    const start = match.index + match[0].length;
    const end = code.indexOf(match[0].at(-1)!, start);
    return resolveImport(path, text.slice(start, end));
  });
  return { path, text, code, imports };
}

function resolveImport(from: string, specifier: string): Import {
  const relative = specifier.startsWith("./") || specifier.startsWith("../");
  return { specifier, path: relative ? posix.join(posix.dirname(from), specifier) : undefined };
}
