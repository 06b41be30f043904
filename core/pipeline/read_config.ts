/** Reads `.gitlab-ci.yml` and all that it includes. */

import { expand } from "../job/expand.ts";
import { buildConfig } from "./build_config.ts";
import type { CiConfig } from "./ci_config.ts";
import type { CiSource } from "./ci_source.ts";
import type { VariableLookup } from "./expression/evaluate.ts";
import { isExpression } from "./expression/parse.ts";
import { resolveExtends } from "./extends.ts";
import { IncludeExpander } from "./include/expand_includes.ts";
import { commandLineInputs } from "./inputs/command_line.ts";
import { CiConfigError } from "./place.ts";
import { Problems } from "./problems.ts";
import { resolveReferences } from "./yaml/reference.ts";
import { SourceText } from "./yaml/source_text.ts";

export interface ReadOptions {
  /** Path of the root file in the project. */
  readonly file: string;
  /** Variables that `include` may use: those that exist before any job. */
  readonly variables: Readonly<Record<string, string>>;
  /** Values of the root file's `spec:inputs`, as typed on a command line. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Throws {@link ./place.ts CiConfigError} for a configuration that GitLab would refuse: all problems
 * of the first step that finds any, of files, `extends`, references, or keywords. Any other error is
 * a file that could not be read.
 */
export async function readConfig(source: CiSource, options: ReadOptions): Promise<CiConfig> {
  const text = await source.read(options.file);
  if (text === undefined) {
    const message = `Missing CI config file: the project has no ${options.file}`;
    throw new CiConfigError([{ message, place: undefined }]);
  }
  return await readConfigText(new SourceText(options.file, text), source, options);
}

/** The same for a root file that stands nowhere in the project: of artifacts, for example. */
export async function readConfigText(
  root: SourceText,
  source: CiSource,
  options: ReadOptions,
): Promise<CiConfig> {
  const { variables, signal } = options;
  const problems = new Problems();
  if (root.text.trim() === "") {
    problems.add(`Please provide content of ${root.file}`, undefined);
    problems.throwIfAny();
  }
  const variable: VariableLookup = (name) =>
    Object.hasOwn(variables, name) ? variables[name] : undefined;
  const isKnownExpression = expressionCheck();
  const expander = new IncludeExpander({
    source,
    problems,
    isExpression: isKnownExpression,
    variable,
    expand: (path) => expand(path, (name) => variable(name) ?? ""),
    signal,
  });
  const expanded = await expander.read(root, {
    inputs: commandLineInputs(options.inputs),
    includedBy: undefined,
    component: undefined,
    origin: { kind: "own" },
  });
  problems.throwIfAny({ root: root.file });
  if (expanded === undefined) throw new Error(`${root.file} was neither read nor refused`);
  const extended = resolveExtends(expanded.content, problems);
  problems.throwIfAny();
  // After `extends`, so that a reference finds what a job has taken over.
  const resolved = expanded.mayRefer ? resolveReferences(extended, problems) : extended;
  problems.throwIfAny();
  return buildConfig(resolved, expanded.files, {
    problems,
    isExpression: isKnownExpression,
  });
}

/** Whether a text is an expression; the same text is read once, for jobs share their rules. */
function expressionCheck(): (text: string) => boolean {
  const known = new Map<string, boolean>();
  return (text) => {
    const valid = known.get(text) ?? isExpression(text);
    known.set(text, valid);
    return valid;
  };
}
