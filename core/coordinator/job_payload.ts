/** Reads the payload of a job; of one that cannot be used, at least whose it is. */

import { JobIdentity, JobResponse } from "../job/response.ts";
import { parseJson } from "../util/json.ts";
import { type Answer, jsonOf, mediaType, textOf } from "./answer.ts";

export type JobPayload =
  | { readonly kind: "job"; readonly job: JobResponse }
  | { readonly kind: "unusable-job"; readonly job: JobIdentity; readonly problem: string }
  | { readonly kind: "unreadable"; readonly problem: string };

/** Problems are worded for the job's trace. */
export function readJobPayload(answer: Answer): JobPayload {
  const type = mediaType(answer);
  const json = jsonOf(answer);
  const parsed = JobResponse.safeParse(json);
  if (parsed.success && type === "application/json") return { kind: "job", job: parsed.data };
  const problem = type !== "application/json"
    ? `The coordinator sent this job with the media type "${type}" instead of "application/json"`
    : json === undefined
    ? "The coordinator sent a job that is no valid JSON"
    : `The coordinator sent a job that cannot be understood: ${issuesOf(parsed.error)}`;
  const job = identityIn(json, textOf(answer));
  return job === undefined ? { kind: "unreadable", problem } : {
    kind: "unusable-job",
    job,
    problem,
  };
}

function issuesOf(error: { readonly issues: readonly Issue[] } | undefined): string {
  return (error?.issues ?? []).slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join(".") || "payload"}: ${message}`)
    .join("; ");
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function identityIn(json: unknown, text: string): JobIdentity | undefined {
  const parsed = JobIdentity.safeParse(json === undefined ? topLevelScalars(text) : json);
  return parsed.success ? parsed.data : undefined;
}

/** A JSON token: a string, a bracket, a separator, or a bare word such as a number. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/** The strings and numbers directly in an object whose text breaks off somewhere. */
function topLevelScalars(text: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const tokens = text.match(TOKEN) ?? [];
  let depth = 0;
  // The last token may itself be cut, so that it does not count as a value.
  for (const [at, token] of tokens.slice(0, -1).entries()) {
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    if (depth !== 1 || token !== ":") continue;
    const [key, value] = [tokens[at - 1], tokens[at + 1]].map((token) => parseJson(token ?? ""));
    if (typeof key === "string" && at + 1 < tokens.length - 1) found[key] = value;
  }
  return found;
}
