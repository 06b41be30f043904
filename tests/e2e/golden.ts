/** Whole logs compared byte for byte with files in golden/, where what differs per run has a name. */

import { expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import type { FinishedJob, Lab } from "./lab.ts";

/** Rewrites the files instead of comparing; what changed is then read in the diff. */
const UPDATE = process.env["UPDATE_GOLDEN"] === "1";

/** Holds a job's log to `golden/<name>.log`. */
export function expectGolden(lab: Lab, job: FinishedJob, name: string): void {
  const path = join(import.meta.dir, "golden", `${name}.log`);
  const actual = named(lab, job);
  if (UPDATE) writeFileSync(path, actual);
  expect(actual).toBe(readFileSync(path, "utf8"));
}

function named(lab: Lab, { job, text }: FinishedJob): string {
  return text
    .replaceAll(/(section_(?:start|end)):\d{10}:/g, "$1:<time>:")
    .replaceAll(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/gm, "<stamp>")
    .replaceAll(lab.process.dir, "<dir>")
    .replaceAll(lab.coordinator.url, "<url>")
    .replaceAll(lab.coordinator.url.replace("http://", ""), "<host>")
    .replaceAll(`Running on ${hostname()}...`, "Running on <machine>...")
    .replaceAll(/system ID: [sr]_\w{12}/g, "system ID: <system>")
    .replaceAll(/Gitaly correlation ID: [0-9A-Za-z]+/g, "Gitaly correlation ID: <request>")
    .replaceAll(/on runner-0 \w{9},/g, "on runner-0 <token>,")
    .replaceAll(/(builds|cache)\/\w{9}\/\d+\//g, "$1/<token>/0/")
    .replaceAll(
      /\b(arch|correlation_id|os|pid|revision|token|version)(\x1b\[0;m)?=\S+/g,
      "$1$2=<$1>",
    )
    .replaceAll(/\((\w+)\) *$/gm, (all, word: string) => Number(word) === job.id ? "(<id>)" : all)
    .replaceAll(new RegExp(`\\b${job.id}\\b`, "g"), "<id>")
    .replaceAll(/(?<=artifacts for \w+ )\(\d+\)/g, "(<source>)")
    .replaceAll(/gitlab-runner \d+\.\d+\.\d+ \(\w+\)/g, "gitlab-runner <version> (<revision>)")
    .replaceAll(/(?<=\x1b\[0K[a-z_]+(?: [a-zA-Z]+)? +)\d+\.\d+ s(?=\x1b)/g, "<seconds>")
    .replaceAll(/(?<=\x1b\[0Kscript memory {3,})(?:< +)?\d+\.\d+ MiB/g, "<size>")
    .replaceAll("\r", "<CR>")
    .replaceAll("\x1b", "<ESC>");
}
