/** `needs` of a job and of a rule, and `parallel`. */

import type { CiNeed, CiParallel } from "../ci_config.ts";
import { isInteger, isString, placeOf, unnested, type YamlNode } from "../yaml/node.ts";
import type { Entry, MappingEntry } from "./entry.ts";
import { readProduct } from "./variables.ts";

const MAX_PARALLEL = 200;
/** Of other projects, and of other pipelines. */
const MAX_ELSEWHERE = 5;

/** Whose needs they are: which kinds there may be differs. */
export type NeedScope = "job" | "rule" | "trigger";

/** As GitLab calls them: of this pipeline, of another one or project, of a whole pipeline. */
type NeedKind = "job" | "cross_dependency" | "bridge";

const KINDS: Readonly<Record<NeedScope, readonly NeedKind[]>> = {
  job: ["job", "cross_dependency"],
  rule: ["job"],
  trigger: ["job", "bridge"],
};

/** A list, or for a trigger job one mapping. Nested lists come from `!reference`. */
export function readNeeds(entry: Entry, scope: NeedScope): readonly CiNeed[] {
  const { node } = entry;
  if (node.kind === "scalar") {
    entry.report("config should be a hash or an array of strings");
    return [];
  }
  const items = unnested(node);
  const wrong = new Set(items.map(kindOf).filter((kind) => !KINDS[scope].includes(kind)));
  if (wrong.size > 0) entry.report(`config uses invalid types: ${[...wrong].join(", ")}`);
  const needs = items.flatMap((item) => readNeed(entry.with(item), scope) ?? []);
  const elsewhere = needs.flatMap((need) => need.elsewhere ?? []);
  const projects = elsewhere.filter(({ project }) => project !== undefined).length;
  if (projects > MAX_ELSEWHERE || elsewhere.length - projects > MAX_ELSEWHERE) {
    entry.report(`config must be less than or equal to ${MAX_ELSEWHERE}`);
  }
  return needs;
}

function kindOf(node: YamlNode): NeedKind {
  if (node.kind !== "mapping") return "job";
  if (node.entries.has("project")) return "cross_dependency";
  if (!node.entries.has("pipeline")) return "job";
  return node.entries.has("job") ? "cross_dependency" : "bridge";
}

function readNeed(list: Entry, scope: NeedScope): CiNeed | undefined {
  const { node } = list;
  const need = {
    place: placeOf(node),
    job: "",
    optional: false,
    artifacts: true,
    matrix: undefined,
    elsewhere: undefined,
  };
  if (isString(node)) {
    return node.value === ""
      ? named(list).report("config can't be blank")
      : { ...need, job: node.value };
  }
  if (!list.isMapping()) return named(list).report("has an unsupported type");
  const has = (key: string) => list.node.entries.has(key);
  if (has("project")) return { ...need, ...readProjectNeed(list) };
  if (has("pipeline")) return { ...need, ...readPipelineNeed(list) };
  const hash = named(list);
  const keys = ["job", "artifacts", "optional"];
  hash.checkKeys(scope === "rule" ? keys : [...keys, "parallel"]);
  const job = requiredAt(hash, "job");
  const parallel = list.at("parallel");
  const instances = parallel === undefined ? undefined : readParallel(parallel);
  if (instances?.kind === "count") {
    hash.reportKey("parallel", 'cannot use "parallel: <number>".');
  }
  if (job === undefined) return undefined;
  return {
    ...need,
    job,
    optional: hash.boolean("optional") ?? false,
    artifacts: hash.boolean("artifacts") ?? true,
    matrix: instances?.kind === "matrix" ? instances.matrix : undefined,
  };
}

function readProjectNeed(list: MappingEntry): Partial<CiNeed> {
  const dependency = named(list);
  dependency.checkKeys(["project", "ref", "job", "artifacts", "parallel"]);
  const project = requiredAt(dependency, "project");
  const ref = requiredAt(dependency, "ref");
  return {
    job: requiredAt(dependency, "job") ?? "",
    artifacts: dependency.boolean("artifacts") ?? true,
    elsewhere: {
      ...(project === undefined ? {} : { project }),
      ...(ref === undefined ? {} : { ref }),
    },
  };
}

/** Of another pipeline: a job's artifacts, or for a trigger job the state of all of it. */
function readPipelineNeed(list: MappingEntry): Partial<CiNeed> {
  const dependency = named(list);
  dependency.checkKeys(["pipeline", "job", "artifacts", "parallel"]);
  const pipeline = requiredAt(dependency, "pipeline");
  return {
    job: dependency.string("job") ?? "",
    artifacts: dependency.boolean("artifacts") ?? true,
    elsewhere: pipeline === undefined ? {} : { pipeline },
  };
}

/** Whether a need is the state of a whole pipeline, and no job's artifacts. */
export function mirrorsPipeline({ elsewhere, job }: CiNeed): boolean {
  return elsewhere?.project === undefined && elsewhere !== undefined && job === "";
}

function requiredAt(entry: MappingEntry, key: string): string | undefined {
  const text = entry.string(key);
  if (text === "" || (text === undefined && entry.at(key) === undefined)) {
    return entry.reportKey(key, "can't be blank");
  }
  return text;
}

/** In GitLab's words: `jobs:test:needs:need job can't be blank`. */
function named<Node extends YamlNode>(list: Entry<Node>): Entry<Node> {
  return list.below("need", list.node);
}

export function readParallel(entry: Entry): CiParallel | undefined {
  const { node } = entry;
  if (isInteger(node)) {
    if (node.value < 1) return entry.report("config must be greater than or equal to 1");
    return node.value > MAX_PARALLEL
      ? entry.report(`config must be less than or equal to ${MAX_PARALLEL}`)
      : { kind: "count", count: node.value };
  }
  if (!entry.isMapping()) return entry.report("should be an integer or a hash");
  entry.checkKeys(["matrix"]);
  entry.checkRequired(["matrix"]);
  const matrix = entry.at("matrix");
  return matrix === undefined ? undefined : readMatrix(matrix);
}

function readMatrix(entry: Entry): CiParallel | undefined {
  const { node } = entry;
  if (node.kind !== "sequence" || node.items.some((item) => item.kind !== "mapping")) {
    return entry.report("config should be an array of hashes");
  }
  const matrix = node.items
    .map((item) => readProduct(entry.below("variables", item)))
    .filter((row) => row !== undefined);
  const jobs = matrix
    .map((row) => Object.values(row).reduce((count, values) => count * values.length, 1))
    .reduce((sum, count) => sum + count, 0);
  return jobs > MAX_PARALLEL
    ? entry.report(`config generates too many jobs (maximum is ${MAX_PARALLEL})`)
    : { kind: "matrix", matrix };
}
