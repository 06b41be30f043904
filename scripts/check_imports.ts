/** `bun scripts/check_imports.ts`: names every place that breaks the rules of scripts/architecture/. */

import { join } from "node:path";
import { checkCode } from "./architecture/code_rules.ts";
import { checkImports } from "./architecture/import_rules.ts";
import { readSourceFiles } from "./architecture/source_file.ts";

const files = await readSourceFiles(join(import.meta.dirname, ".."));
const offences = [...checkImports(files), ...checkCode(files)];
for (const { path, problem } of offences) process.stderr.write(`${path}: ${problem}\n`);
process.stdout.write(`${files.length} files, ${offences.length} offences\n`);
process.exit(offences.length === 0 ? 0 : 1);
