/** What a command line of `exec` asks for. */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { ConfigurationError, messageOf } from "../../errors.ts";
import { mergeTables } from "../../local/settings.ts";
import type { EventFlags, EventName } from "../../local/variables/pipeline_event.ts";
import type { PipelineVariable } from "../../pipeline/pipeline.ts";
import type { SelectionRequest } from "../../pipeline/select.ts";
import { parseDuration } from "../../util/units.ts";
import type { FlagValues } from "../flag.ts";
import { entryValues } from "./flags.ts";

const EVENTS: readonly EventName[] = ["push", "merge_request", "tag", "schedule", "web"];

/** The executors that GitLab Runner's own `exec` took before the job's name, and ours. */
const EXECUTORS: readonly string[] = [
  "shell",
  "docker",
  "docker-ssh",
  "ssh",
  "parallels",
  "virtualbox",
  "kubernetes",
  "custom",
];

export interface ExecOperands {
  readonly executor: string | undefined;
  readonly jobs: readonly string[];
}

/** `exec docker test` is GitLab Runner's old form; a job of that name is meant when it stands alone. */
export function execOperands(operands: readonly string[]): ExecOperands {
  const [first, ...jobs] = operands;
  if (first === undefined || jobs.length === 0 || !EXECUTORS.includes(first)) {
    return { executor: undefined, jobs: operands };
  }
  return { executor: first, jobs };
}

export function selectionRequest(
  flags: FlagValues,
  jobs: readonly string[],
  rerun: readonly string[] | undefined,
): SelectionRequest {
  const needs = flags.bool("only-needs") ? "only" : flags.bool("needs") ? "also" : "none";
  return { jobs, stages: flags.list("stage"), needs, manual: flags.list("manual"), rerun };
}

/** Throws ConfigurationError. */
export function eventFlags(flags: FlagValues): EventFlags {
  const event = flags.text("event");
  const known = EVENTS.find((name) => name === event);
  if (event !== undefined && known === undefined) {
    throw new ConfigurationError(`Unknown event "${event}": use ${EVENTS.join(", ")}`);
  }
  const target = flags.text("mr-target");
  return {
    event: known,
    branch: flags.text("branch"),
    tag: flags.text("tag"),
    mergeRequest: target ?? (flags.bool("mr") ? "" : undefined),
  };
}

/** `--env-file` in their order, then `--variable`. Throws ConfigurationError. */
export function pipelineVariables(
  flags: FlagValues,
  cwd: string,
): Readonly<Record<string, PipelineVariable>> {
  const fromFiles = flags.list("env-file").flatMap((path) => envFile(resolve(cwd, path)));
  const all = [...fromFiles, ...flags.list("variable")].map((pair) => splitPair("variable", pair));
  return Object.fromEntries(
    all.map(([key, value]) => [key, { value, expand: true, masked: false, file: false }]),
  );
}

export function pipelineInputs(flags: FlagValues): Readonly<Record<string, string>> {
  return Object.fromEntries(flags.list("input").map((pair) => splitPair("input", pair)));
}

/** Milliseconds are not told: a job's limit is in seconds. */
export function timeoutSeconds(flags: FlagValues): number {
  const text = flags.text("timeout") ?? "1h";
  // GitLab Runner's own `exec` took seconds.
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms !== undefined && ms >= 1000) return Math.floor(ms / 1000);
  throw new ConfigurationError(`Invalid value "${text}" for --timeout: use a duration such as 90m`);
}

export function concurrency(flags: FlagValues, configured: number | undefined): number {
  const wanted = flags.int("concurrency") ?? configured ?? availableParallelism();
  if (wanted >= 1) return wanted;
  throw new ConfigurationError(`Invalid value "${wanted}" for --concurrency: use 1 or more`);
}

/** Keys of the runner entries: the user's settings, and flags on top of them. */
export function entrySettings(
  flags: FlagValues,
  configured: Readonly<Record<string, unknown>>,
  engineHost: string | undefined,
): Readonly<Record<string, unknown>> {
  const text = (flag: string, key: string) => flags.has(flag) ? { [key]: flags.text(flag) } : {};
  const docker = {
    ...text("image", "image"),
    ...(flags.has("pull-policy")
      ? { pull_policy: flags.list("pull-policy").flatMap((item) => item.split(",")) }
      : {}),
    ...(flags.has("privileged") ? { privileged: flags.bool("privileged") } : {}),
    ...(flags.has("volume") ? { volumes: flags.list("volume") } : {}),
    ...text("network", "network_mode"),
  };
  // A table that is there is checked whole, also for jobs on this host.
  const short = Object.keys(docker).length === 0 ? {} : { docker };
  const fromFlags = mergeTables(entryValues(flags), short);
  const found = engineHost === undefined ? {} : { docker: { host: engineHost } };
  return mergeTables(mergeTables(found, configured), fromFlags);
}

/** The authorities that vouch for GitLab, as an entry names them. */
export function caFile(entry: Readonly<Record<string, unknown>>): string | undefined {
  const path = entry["tls-ca-file"];
  return typeof path === "string" ? path : undefined;
}

function envFile(path: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigurationError(`Cannot read "${path}": ${messageOf(error)}`);
  }
  return text.split(/\r?\n/).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function splitPair(flag: string, pair: string): [string, string] {
  const at = pair.indexOf("=");
  if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
  throw new ConfigurationError(`Invalid value "${pair}" for --${flag}: use KEY=value`);
}
