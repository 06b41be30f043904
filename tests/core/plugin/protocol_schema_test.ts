import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { protocolSchema } from "../../../core/plugin/protocol_schema.ts";

const ROOT = join(import.meta.dir, "../../..");

test("docs/plugin-protocol.schema.json is what the messages' types say", () => {
  const written = readFileSync(join(ROOT, "docs/plugin-protocol.schema.json"), "utf8");
  expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(protocolSchema())));
});

test("plugins/PROTOCOL.md names every message", () => {
  const page = readFileSync(join(ROOT, "plugins/PROTOCOL.md"), "utf8");
  const defined = Object.keys(protocolSchema()["$defs"] as object);
  const names = new Set(defined.map((name) => name.replace(/\.(?:params|result)$/, "")));
  expect([...names].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
