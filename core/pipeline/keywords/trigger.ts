/** `trigger`: a child pipeline of files, or a pipeline of another project. */

import type { CiTrigger, CiTriggerInclude } from "../ci_config.ts";
import { child, isString, toPlain, type YamlNode } from "../yaml/node.ts";
import { plainRecord } from "./artifacts.ts";
import type { Entry, MappingEntry } from "./entry.ts";

const MAX_INCLUDES = 3;
const SHARED_KEYS = ["strategy", "forward", "inputs"];

export function readTrigger(entry: Entry): CiTrigger | undefined {
  if (isString(entry.node)) {
    return entry.node.value === ""
      ? entry.report("config can't be blank")
      : triggerOf({ project: entry.node.value });
  }
  if (!entry.isMapping()) return entry.report("has to be either a string or a hash");
  const include = child(entry.node, "include");
  entry.checkKeys([
    ...(include === undefined ? ["project", "branch"] : ["include"]),
    ...SHARED_KEYS,
  ]);
  const strategy = entry.oneOf(
    "strategy",
    ["depend", "mirror"],
    "should be one of: depend, mirror",
  );
  const shared = {
    depends: strategy !== undefined,
    forward: readForward(entry),
    inputs: readInputs(entry),
  };
  if (include !== undefined) {
    return triggerOf({ ...shared, include: readIncludes(entry.below("include", include)) });
  }
  const project = entry.string("project");
  if (child(entry.node, "project") === undefined || project === "") {
    return entry.reportKey("project", "can't be blank");
  }
  return triggerOf({ ...shared, project, branch: entry.string("branch") });
}

function triggerOf(trigger: Partial<CiTrigger>): CiTrigger {
  return {
    include: undefined,
    project: undefined,
    branch: undefined,
    depends: false,
    forward: { yamlVariables: true, pipelineVariables: false },
    inputs: {},
    ...trigger,
  };
}

function readForward(entry: MappingEntry): CiTrigger["forward"] {
  const forward = entry.at("forward");
  if (forward !== undefined && !forward.isMapping()) forward.report("config should be a hash");
  if (forward === undefined || !forward.isMapping()) {
    return { yamlVariables: true, pipelineVariables: false };
  }
  forward.checkKeys(["yaml_variables", "pipeline_variables"]);
  return {
    yamlVariables: forward.boolean("yaml_variables") ?? true,
    pipelineVariables: forward.boolean("pipeline_variables") ?? false,
  };
}

function readInputs(entry: MappingEntry): CiTrigger["inputs"] {
  const inputs = entry.at("inputs");
  if (inputs === undefined) return {};
  if (inputs.isMapping()) return plainRecord(inputs);
  entry.reportKey("inputs", "should be a hash");
  return {};
}

function readIncludes(entry: Entry): readonly CiTriggerInclude[] {
  const { node } = entry;
  const items: readonly YamlNode[] = node.kind === "sequence" ? node.items : [node];
  if (items.length > MAX_INCLUDES) {
    entry.report(`config is too long (maximum is ${MAX_INCLUDES})`);
  }
  return items.flatMap((item) => readInclude(entry.with(item)) ?? []);
}

function readInclude(entry: Entry): CiTriggerInclude | undefined {
  if (!entry.isMapping()) {
    return isString(entry.node)
      ? { kind: "include", include: entry.node.value }
      : entry.report("config should be a hash or a string");
  }
  const { entries } = entry.node;
  if (entries.has("project") && !entries.has("file")) {
    return entry.report("config must specify the file where to fetch the config from");
  }
  if (!entries.has("artifact")) {
    return { kind: "include", include: toPlain(entry.node) };
  }
  entry.checkKeys(["artifact", "job", "inputs"]);
  const path = entry.string("artifact");
  const job = entry.string("job");
  if (child(entry.node, "job") === undefined) {
    return entry.report("config must specify the job where to fetch the artifact from");
  }
  return path === undefined || job === undefined ? undefined : { kind: "artifact", job, path };
}
