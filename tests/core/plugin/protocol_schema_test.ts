import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AbortReason,
  HOST_METHODS,
  HOST_NOTICES,
  PLUGIN_METHODS,
  PLUGIN_NOTICES,
} from "../../../core/plugin/protocol.ts";
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

/** `→ {…}` lines of the page, each with the side that says it. */
function transcript(): readonly { readonly from: "host" | "plugin"; readonly message: Message }[] {
  const page = readFileSync(join(ROOT, "plugins/PROTOCOL.md"), "utf8");
  return [...page.matchAll(/^([→←]) (\{.*\})$/gm)].map(([, arrow, text = ""]) => ({
    from: arrow === "→" ? "host" : "plugin",
    message: JSON.parse(text),
  }));
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

test("the transcript of plugins/PROTOCOL.md is a conversation by the messages' types", () => {
  const methods = [...Object.values(HOST_METHODS), ...Object.values(PLUGIN_METHODS)];
  const notices = [...Object.values(HOST_NOTICES), ...Object.values(PLUGIN_NOTICES)];
  const asked = { host: new Map<number, string>(), plugin: new Map<number, string>() };
  for (const { from, message } of transcript()) {
    const { id, method, params, result, error } = message;
    if (method === "$/cancel") {
      const { id: canceled, reason } = params as { id: number; reason: unknown };
      expect(asked[from].has(canceled)).toBe(true);
      AbortReason.parse(reason);
    } else if (id === undefined) {
      notices.find(({ name }) => name === method)!.params.parse(params);
    } else if (method !== undefined) {
      methods.find(({ name }) => name === method)!.params.parse(params);
      asked[from].set(id, method);
    } else {
      const its = asked[from === "host" ? "plugin" : "host"];
      const shape = methods.find(({ name }) => name === its.get(id))!.result;
      if (error === undefined) shape.parse(result);
      its.delete(id);
    }
  }
  expect([...asked.host, ...asked.plugin]).toEqual([]);
  expect(transcript().length).toBeGreaterThan(15);
});
