/** Writes docs/exec-events.md from the types of the events; `--check` only compares. */

import { join } from "node:path";
import { z } from "zod";
import { ExecEvent } from "../core/local/events.ts";

const PATH = join(import.meta.dirname, "../docs/exec-events.md");

const text = page();
if (process.argv.includes("--check")) {
  const file = Bun.file(PATH);
  const isFresh = await file.exists() && await file.text() === text;
  if (!isFresh) process.stderr.write(`${PATH} is stale: run bun scripts/exec_events.ts\n`);
  process.exitCode = isFresh ? 0 : 1;
} else await Bun.write(PATH, text);

function page(): string {
  const events = ExecEvent.options.map((option) => z.toJSONSchema(option));
  const schema = JSON.stringify(z.toJSONSchema(ExecEvent), undefined, 2);
  return [
    "# Events of `runner exec --json`",
    "",
    "Generated from `core/local/events.ts` by `bun scripts/exec_events.ts`.",
    "",
    "One JSON object per line on standard output, and nothing else there; the process log goes to " +
    "standard error. A line is written when it happens. Times are RFC 3339 with milliseconds, in " +
    "UTC; durations are milliseconds. Ignore types and fields that you do not know: a field never " +
    "changes its meaning.",
    "",
    ...events.flatMap(section),
    "## JSON Schema",
    "",
    "```json",
    schema,
    "```",
    "",
  ].join("\n");
}

type Schema = z.core.JSONSchema.BaseSchema;

function section({ properties = {} }: Schema): string[] {
  const fields = Object.entries(properties)
    .filter(([name]) => name !== "type" && name !== "time")
    .map(([name, field]) => `| \`${name}\` | ${kind(field)} | ${about(field)} |`);
  const { type } = properties;
  const name = typeof type === "object" ? String(type.const) : "";
  return [`## \`${name}\``, "", "| Field | Type | |", "|---|---|---|", ...fields, ""];
}

function kind(field: z.core.JSONSchema._JSONSchema): string {
  if (typeof field === "boolean") return "any";
  if (field.enum !== undefined) return field.enum.map((value) => `\`${value}\``).join(", ");
  if (field.anyOf !== undefined) return field.anyOf.map(kind).join(" or ");
  if (field.type === "array") {
    const { items } = field;
    return `array of ${Array.isArray(items) || items === undefined ? "any" : kind(items)}s`;
  }
  if (field.type === "object") return `object (${Object.keys(field.properties ?? {}).join(", ")})`;
  return [field.type ?? "any"].flat().join(" or ");
}

function about(field: z.core.JSONSchema._JSONSchema): string {
  return typeof field === "object" ? field.description ?? "" : "";
}
