/** Writes docs/plugin-protocol.schema.json from the messages' types; `--check` only compares. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { protocolSchema } from "../core/plugin/protocol_schema.ts";

const PATH = join(import.meta.dirname, "../docs/plugin-protocol.schema.json");

const text = `${JSON.stringify(protocolSchema(), undefined, 2)}\n`;
if (process.argv.includes("--check")) {
  const isFresh = readFileSync(PATH, "utf8") === text;
  if (!isFresh) process.stderr.write(`${PATH} is stale: run bun scripts/plugin_schema.ts\n`);
  process.exit(isFresh ? 0 : 1);
}
writeFileSync(PATH, text);
