/** Reports that GitLab reads when they come, and refuses when it cannot. */

import { readFileSync } from "node:fs";
import { messageOf } from "../errors.ts";
import { gzipMembers } from "../util/gzip_members.ts";
import { isRecord } from "./call.ts";

/** As they come, compressed; GitLab's own limits, which a server's plan may have higher. */
const MOST_DOTENV_BYTES = 5 * 1024;
const MOST_ANNOTATION_BYTES = 80 * 1024;
const MOST_ANNOTATIONS = 20;
/** Of one file, unpacked. */
const LONGEST_FILE = 16 * 1024 * 1024;
const LONGEST_KEY = 255;

/** Why GitLab would refuse a report; undefined: it takes it. */
export function refusalOfReport(
  { type, size, path }: { readonly type: string; readonly size: number; readonly path: string },
): string | undefined {
  try {
    if (type === "dotenv") {
      if (size >= MOST_DOTENV_BYTES) throw tooBig("Dotenv", MOST_DOTENV_BYTES);
      dotenvVariables(readFileSync(path));
    } else if (type === "annotations") {
      if (size > MOST_ANNOTATION_BYTES) throw tooBig("Annotations", MOST_ANNOTATION_BYTES);
      checkAnnotations(readFileSync(path));
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function tooBig(what: string, limit: number): Error {
  return new Error(`${what} Artifact Too Big. Maximum Allowable Size: ${limit}`);
}

/**
 * `KEY=value` lines of a `dotenv` report's files, the last of one key; values are taken as they
 * are, with their quotes. Throws in GitLab's words.
 */
export function dotenvVariables(report: Uint8Array): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const file of filesOf(report)) {
    for (const line of file.replace(/\n$/, "").split("\n")) {
      if (file === "") continue;
      const [, key, value] = /^(.*?)=(.*)$/.exec(line.replace(/\r$/, "")) ?? [];
      if (key === undefined || value === undefined) throw new Error("Invalid Format");
      const faults = faultsOf(key.trim());
      if (faults.length > 0) throw new Error(`Validation failed: ${faults.join(", ")}`);
      variables.set(key.trim(), value.trim());
    }
  }
  return variables;
}

function faultsOf(key: string): readonly string[] {
  return [
    ...(key === "" ? ["Key can't be blank"] : []),
    ...(key.length > LONGEST_KEY ? [`Key is too long (maximum is ${LONGEST_KEY} characters)`] : []),
    ...(/^\w+$/.test(key) ? [] : ["Key can contain only letters, digits and '_'."]),
  ];
}

function checkAnnotations(report: Uint8Array): void {
  let count = 0;
  for (const file of filesOf(report)) {
    const lists: unknown = JSON.parse(file);
    if (!isRecord(lists)) throw new Error("Annotations files must be a JSON object");
    count += Object.keys(lists).length;
    if (count > MOST_ANNOTATIONS) {
      throw new Error(
        `Annotations files cannot have more than ${MOST_ANNOTATIONS} annotation lists`,
      );
    }
  }
}

/** PowerShell on Windows writes UTF-16. */
function filesOf(report: Uint8Array): readonly string[] {
  return gzipMembers(report, LONGEST_FILE).map((bytes) => {
    const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes);
  });
}
