/** One job: every keyword it may have, and those that depend on each other. */

import type { CiJob, CiWhen } from "../ci_config.ts";
import { regexOf } from "../regex/pattern.ts";
import { child, isNull, isString, type YamlMapping } from "../yaml/node.ts";
import { readRelease } from "./artifacts.ts";
import { readPagesOf } from "./pages.ts";
import { readSecrets } from "./credentials.ts";
import { readJobInputs } from "./job_inputs.ts";
import type { Entry, MappingEntry } from "./entry.ts";
import { readEnvironment } from "./environment.ts";
import { type Inherit, INHERIT_ALL, readInherit } from "./inherit.ts";
import { mirrorsPipeline, readNeeds, readParallel } from "./needs.ts";
import { readPolicy } from "./policy.ts";
import { readAllowFailure } from "./retry.ts";
import { readRules } from "./rules.ts";
import { readRun } from "./run.ts";
import { readScript } from "./script.ts";
import {
  type Defaults,
  NOTHING_SHARED,
  readShared,
  SHARED_KEYS,
  type SharedKeywords,
} from "./shared.ts";
import { readTrigger } from "./trigger.ts";
import { readVariables } from "./variables.ts";

const MAX_NAME = 255;
const WEEK_SECONDS = 7 * 24 * 3600;

/** Keywords of jobs with a script and of trigger jobs alike. */
const COMMON_KEYS = [
  "extends",
  "stage",
  "rules",
  "only",
  "except",
  "variables",
  "inherit",
  "allow_failure",
  "when",
  "start_in",
  "needs",
  "resource_group",
  "environment",
  "interruptible",
  "manual_confirmation",
  "parallel",
];
const TRIGGER_KEYS = [...COMMON_KEYS, "trigger"];
const SCRIPT_KEYS = [
  ...COMMON_KEYS,
  ...SHARED_KEYS,
  "script",
  "run",
  "dependencies",
  "coverage",
  "release",
  "secrets",
  "publish",
  "pages",
  "inputs",
  "dast_configuration",
];
const WHEN: readonly CiWhen[] = ["on_success", "on_failure", "always", "manual", "delayed"];

export interface JobSurroundings {
  readonly defaults: Defaults;
  /** With them, a job without rules or refs of its own is part of every pipeline. */
  readonly workflowHasRules: boolean;
}

/** `entry` is the job after `extends`; its name in messages is `jobs:NAME`. */
export function readJob(
  name: string,
  key: CiJob["place"],
  entry: MappingEntry,
  around: JobSurroundings,
): CiJob {
  if (name.length > MAX_NAME) {
    entry.report(`name is too long (maximum is ${MAX_NAME} characters)`);
  }
  // What is written counts, null or not: GitLab asks for keys.
  const has = (key: string) => entry.node.entries.has(key);
  const isTrigger = !has("script") && !has("run") && (has("trigger") || has("needs"));
  entry.checkKeys(isTrigger ? TRIGGER_KEYS : SCRIPT_KEYS);
  const extended = entry.stringOrStrings("extends");
  if (extended?.length === 0) entry.reportKey("extends", "can't be blank");
  if (entry.at("dast_configuration") !== undefined) {
    entry.warn(
      "dast_configuration",
      "dast_configuration chooses nothing here: no scanner is set up",
    );
  }
  const inherit = read(entry, "inherit", readInherit) ?? INHERIT_ALL;
  const job: CiJob = {
    pages: undefined,
    ...readTiming(entry, isTrigger),
    ...readScripts(entry, isTrigger),
    name,
    place: key,
    stage: readStage(entry),
    variables: read(entry, "variables", (value) => readVariables(value, "job")) ?? {},
    inheritVariables: inherit.variables,
    rules: readJobRules(entry),
    ...readPolicies(entry, around),
    parallel: readInstances(entry, isTrigger),
    needs: read(entry, "needs", (value) => readNeeds(value, isTrigger ? "trigger" : "job")),
    dependencies: entry.strings("dependencies"),
    resourceGroup: entry.string("resource_group"),
    environment: read(entry, "environment", readEnvironment),
    trigger: isTrigger ? read(entry, "trigger", readTrigger) : undefined,
    ...readSharedKeywords(entry, isTrigger ? {} : around.defaults, inherit),
  };
  if (isTrigger) checkTrigger(entry, job);
  return { ...job, ...readPagesOf(name, entry, job.artifacts) };
}

/** Without a trigger a job can only have the state of another project's pipeline. */
function checkTrigger(entry: MappingEntry, { trigger, needs = [] }: CiJob): void {
  const mirrored = needs.filter(mirrorsPipeline).length;
  if (trigger === undefined && mirrored === 0 && child(entry.node, "trigger") === undefined) {
    entry.report("config should contain either a trigger or a needs:pipeline");
  }
  if (mirrored > 1) entry.report("config should contain at most one bridge need");
}

/** A keyword that is an entry of its own, when it is there. */
function readJobRules(entry: MappingEntry): CiJob["rules"] {
  const rules = entry.at("rules");
  if (rules === undefined || rules.node.kind === "sequence") {
    return rules && readRules(rules, "job");
  }
  entry.reportKey("rules", "should be an array containing hashes and arrays of hashes");
  return [];
}

function read<Value>(
  entry: MappingEntry,
  key: string,
  reader: (value: Entry) => Value,
): Value | undefined {
  const value = entry.at(key);
  return value === undefined ? undefined : reader(value);
}

function readStage(entry: MappingEntry): string {
  return read(
    entry,
    "stage",
    (stage) => isString(stage.node) ? stage.node.value : stage.report("config should be a string"),
  ) ?? "test";
}

function readTiming(
  entry: MappingEntry,
  isTrigger: boolean,
): Pick<CiJob, "when" | "startIn" | "allowFailure" | "manualConfirmation"> {
  const when = entry.oneOf("when", isTrigger ? WHEN.slice(0, 4) : WHEN);
  const startIn = entry.node.entries.get("start_in");
  const hasRules = child(entry.node, "rules") !== undefined;
  if (when === "delayed" && isNull(startIn?.value)) {
    entry.report("start in should be a duration", startIn?.key ?? child(entry.node, "when"));
  } else if ((when !== "delayed" || hasRules) && !isNull(startIn?.value)) {
    entry.reportKey("start_in", "must be blank");
  }
  return {
    when,
    startIn: when === "delayed"
      ? entry.duration("start_in", { limitSeconds: WEEK_SECONDS })
      : undefined,
    allowFailure: read(
      entry,
      "allow_failure",
      (value) => readAllowFailure(entry, value, { exitCodes: !isTrigger }),
    ),
    manualConfirmation: entry.string("manual_confirmation"),
  };
}

function readScripts(
  entry: MappingEntry,
  isTrigger: boolean,
): Pick<CiJob, "script" | "run" | "coverage" | "release" | "secrets" | "inputs"> {
  for (const key of ["script", "before_script", "after_script"]) {
    entry.checkExclusive([key, "run"]);
  }
  const script = read(entry, "script", readScript) ?? [];
  const run = child(entry.node, "run");
  if (!isTrigger && run === undefined && isBlank(entry.node, "script")) {
    entry.report("script can't be blank", entry.node.entries.get("script")?.key);
  }
  return {
    script,
    run: run === undefined ? undefined : readRun(entry, run),
    coverage: read(entry, "coverage", readCoverage),
    release: read(entry, "release", readRelease),
    secrets: read(entry, "secrets", readSecrets) ?? {},
    inputs: read(entry, "inputs", readJobInputs) ?? {},
  };
}

function isBlank(job: YamlMapping, key: string): boolean {
  const node = child(job, key);
  return node === undefined || (isString(node) && node.value.trim() === "") ||
    (node.kind === "sequence" && node.items.length === 0);
}

function readCoverage(entry: Entry): string | undefined {
  return isString(entry.node) && isRubyRegex(entry.node.value)
    ? entry.node.value
    : entry.report("config must be a regular expression");
}

/**
 * GitLab checks it with Ruby, and matches with RE2. What Ruby takes and neither RE2 nor this language
 * does, possessive and atomic parts, is no reason to refuse it.
 */
function isRubyRegex(text: string): boolean {
  const source = /^\/(.*)\/$/s.exec(text)?.[1];
  if (source === undefined) return false;
  if (regexOf(source) !== undefined) return true;
  try {
    new RegExp(source.replaceAll("(?>", "(?:").replaceAll(/(?<=[^\\][*+?}])\+/g, ""));
    return true;
  } catch {
    return false;
  }
}

/** A job without rules runs for branches and tags, unless the workflow decides for all. */
function readPolicies(
  entry: MappingEntry,
  { workflowHasRules }: JobSurroundings,
): Pick<CiJob, "only" | "except"> {
  const used = ["only", "except", "start_in"]
    .filter((key) => child(entry.node, key) !== undefined);
  if (child(entry.node, "rules") !== undefined) {
    const [first] = used;
    if (first !== undefined) {
      const sentence = `config key may not be used with \`rules\`: ${used.join(", ")}`;
      entry.report(sentence, entry.node.entries.get(first)?.key);
    }
    return { only: undefined, except: undefined };
  }
  const byDefault = workflowHasRules ? undefined : {
    refs: ["branches", "tags"],
    variables: undefined,
    changes: undefined,
    kubernetes: undefined,
  };
  return {
    only: read(entry, "only", readPolicy) ?? byDefault,
    except: read(entry, "except", readPolicy),
  };
}

function readInstances(entry: MappingEntry, isTrigger: boolean): CiJob["parallel"] {
  const parallel = read(entry, "parallel", readParallel);
  return isTrigger && parallel?.kind === "count"
    ? entry.reportKey("parallel", 'cannot use "parallel: <number>".')
    : parallel;
}

function readSharedKeywords(
  entry: MappingEntry,
  defaults: Defaults,
  { defaults: wanted }: Inherit,
): SharedKeywords {
  const inherited = SHARED_KEYS.filter((key) =>
    typeof wanted === "boolean" ? wanted : wanted.includes(key)
  );
  return Object.assign(
    { ...NOTHING_SHARED },
    ...inherited.map((key) => defaults[key]),
    ...Object.values(readShared(entry, SHARED_KEYS)),
  );
}
