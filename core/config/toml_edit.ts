/**
 * Edits of config.toml's text that touch nothing else: comments, order and unknown keys stay.
 * Every edit is made twice, on the text and on the parsed document, and kept only when both agree.
 */

import { patch } from "@decimalturn/toml-patch";
import { parse } from "smol-toml";
import { ConfigurationError } from "../errors.ts";
import { isTable, type RawTable, writtenName } from "./normalise.ts";
import { startsWith, type TomlItem, tomlItems, type TomlPath } from "./toml_layout.ts";
import { runnerText, tomlKey, tomlValue } from "./toml_text.ts";

/** Puts an entry behind everything else, as `[[runners]]` with its tables. */
export function addRunner(text: string, entry: Readonly<RawTable>): string {
  const block = runnerText(entry, writtenName(read(text), "runners"));
  const breaks = newline(text);
  const gap = text === "" ? "" : text.endsWith("\n") ? breaks : breaks + breaks;
  return checked(text, text + gap + block.replaceAll("\n", breaks), (runners) => [
    ...runners,
    ...runnersOf(read(block)),
  ]);
}

/** Sets plain keys of one entry; undefined takes a key away. */
export function setRunner(text: string, index: number, values: Readonly<RawTable>): string {
  return Object.entries(values).reduce((before, [key, value]) => {
    const after = setPair(before, index, key, value);
    return checked(before, after, (runners) => {
      const runner = runners[index] ?? {};
      const written = value === undefined ? undefined : read(`v = ${tomlValue(value)}`)["v"];
      return runners.with(index, { ...runner, [writtenName(runner, key)]: written });
    });
  }, text);
}

/**
 * Takes entries away, with the comments directly above them and the indented ones inside them.
 * Comments of neighbours and of the file stay.
 */
export function removeRunners(text: string, indices: readonly number[]): string {
  const descending = [...new Set(indices)].sort((a, b) => b - a);
  return descending.reduce(
    (before, index) =>
      checked(
        before,
        withoutRunner(before, index),
        (runners) => runners.filter((_, at) => at !== index),
      ),
    text,
  );
}

type ChangeRunners = (runners: readonly RawTable[]) => readonly RawTable[];

/**
 * The surgeon's text when it reads as `wanted`; else toml-patch's, which knows the forms that
 * GitLab Runner never writes (`runners = [{…}]`) but moves comments when entries come and go.
 */
function checked(before: string, after: string, change: ChangeRunners): string {
  const document = read(before);
  const name = writtenName(document, "runners");
  const wanted = withoutEmpty({ ...document, [name]: change(runnersOf(document)) });
  if (reads(after, wanted)) return after;
  const patched = patch(before, wanted);
  if (reads(patched, wanted)) return patched;
  throw new ConfigurationError(
    "Cannot edit the configuration: its [[runners]] are written in an unusual form; edit it by hand",
  );
}

/** A document without what a parser would not give back: unset keys, an empty list of runners. */
function withoutEmpty(document: RawTable): RawTable {
  const runners = runnersOf(document).map((runner) =>
    Object.fromEntries(Object.entries(runner).filter(([, value]) => value !== undefined))
  );
  const { [writtenName(document, "runners")]: _, ...rest } = document;
  return runners.length === 0 ? rest : { ...rest, [writtenName(document, "runners")]: runners };
}

function reads(text: string, wanted: RawTable): boolean {
  try {
    return Bun.deepEquals(withoutEmpty(read(text)), wanted);
  } catch {
    return false;
  }
}

function read(text: string): RawTable {
  return parse(text, { integersAsBigInt: "asNeeded" });
}

function runnersOf(document: RawTable): readonly RawTable[] {
  const runners = document[writtenName(document, "runners")];
  return Array.isArray(runners) ? runners.filter(isTable) : [];
}

function setPair(text: string, index: number, key: string, value: unknown): string {
  const items = tomlItems(text);
  const body = items.filter((item) => isBodyOf(item, index));
  const pair = body.find((item) => startsWith(item.path, ["runners", index, key]));
  if (pair && value === undefined) return splice(text, pair.start, pair.end, "");
  if (value === undefined) return text;
  if (pair) return splice(text, pair.value.start, pair.value.end, tomlValue(value));
  const last = body.at(-1);
  if (last === undefined) return text;
  const breaks = newline(text);
  const indent = indentOf(text, last) + (last.kind === "entry" ? "  " : "");
  const line = `${indent}${tomlKey(key)} = ${tomlValue(value)}${breaks}`;
  const open = text.slice(0, last.end).endsWith("\n") ? "" : breaks;
  return splice(text, last.end, last.end, open + line);
}

/** The `[[runners]]` header of the entry, or one of the plain keys right below it. */
function isBodyOf(item: TomlItem, index: number): boolean {
  if (!startsWith(item.path, ["runners", index])) return false;
  return item.path.length === (item.kind === "pair" ? 3 : 2);
}

function withoutRunner(text: string, index: number): string {
  const items = tomlItems(text);
  const prefix: TomlPath = ["runners", index];
  const first = items.findIndex((item) => startsWith(item.path, prefix));
  if (first < 0) return text;
  const next = items.findIndex((item, at) => at > first && !startsWith(item.path, prefix));
  const last = items[(next < 0 ? items.length : next) - 1];
  const header = items[first];
  if (header === undefined || last === undefined) return text;
  const from = startOfComments(text, header);
  const to = endOfBody(text, last.end, indentOf(text, header));
  const before = text.slice(0, from);
  const after = text.slice(to);
  // One blank line is enough between what stood before and what stood behind.
  const joined = /(^|\n\r?\n)$/.test(before) ? after.replace(/^(?:[ \t]*\r?\n)+/, "") : after;
  return joined === "" ? before.replace(/(\r?\n)(?:\r?\n)+$/, "$1") : before + joined;
}

/** Offset of the comment lines directly above a header; those that open the file are the file's. */
function startOfComments(text: string, header: TomlItem): number {
  let start = header.start;
  while (start > 0) {
    const line = text.lastIndexOf("\n", start - 2) + 1;
    if (!/^[ \t]*#/.test(text.slice(line, start))) return start;
    start = line;
  }
  return header.start;
}

/** Offset behind the comments that follow without a gap and stand deeper than the header. */
function endOfBody(text: string, end: number, indent: string): number {
  const comments = new RegExp(`(?:${indent}[ \\t]+#.*(?:\\n|$))*`, "y");
  comments.lastIndex = end;
  return end + (comments.exec(text)?.[0].length ?? 0);
}

function indentOf(text: string, item: TomlItem): string {
  return text.slice(item.start).match(/^[ \t]*/)?.[0] ?? "";
}

function splice(text: string, from: number, to: number, insert: string): string {
  return text.slice(0, from) + insert + text.slice(to);
}

function newline(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}
