/** Reads the report that `bun test --reporter=junit` writes. */

import type { Case } from "./outcome.ts";

const TEST_CASE = /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;

export interface JunitCase extends Case {
  /** The test file, as it was named to bun. */
  readonly file: string;
}

/** All cases of a report; a todo counts as skipped. */
export function parseJunit(xml: string): JunitCase[] {
  return [...xml.matchAll(TEST_CASE)].map(([, attributes = "", body = ""]) => {
    const file = attribute(attributes, "file") ?? "";
    const group = attribute(attributes, "classname");
    const title = [...(group ? [group] : []), attribute(attributes, "name") ?? ""].join(" > ");
    const name = `${file}: ${title}`;
    const detail = attribute(body, "message");
    return { file, name, kind: kindOf(body), ...(detail === undefined ? {} : { detail }) };
  });
}

function kindOf(body: string): Case["kind"] {
  if (/<(?:failure|error)\b/.test(body)) return "failed";
  return body.includes("<skipped") ? "skipped" : "passed";
}

function attribute(text: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];
  return value === undefined ? undefined : unescapeXml(value);
}

function unescapeXml(text: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(
    /&(?:(lt|gt|quot|apos|amp)|#(\d+));/g,
    (_, entity?: string, code?: string) =>
      entity === undefined ? String.fromCodePoint(Number(code)) : entities[entity]!,
  );
}
