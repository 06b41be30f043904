/** The commands of a job as its trace will show them. */

import { JobConfigurationError } from "../errors.ts";
import { interpolateInputs } from "../job/inputs.ts";
import type { JobResponse } from "../job/response.ts";
import { JobVariables } from "../job/variables.ts";
import type { CiJob } from "../pipeline/ci_config.ts";
import { Masker, MaskRules, tokenPrefixes } from "../trace/masker.ts";
import type { ScriptPart } from "./events.ts";
import type { KnownCommand } from "./trace_parser.ts";

/** In the order in which a job runs them; commands without text are not echoed. */
export function knownCommands(job: CiJob, response: JobResponse): readonly KnownCommand[] {
  const mask = maskOf(response);
  const { before, script, after } = scripts(job, response);
  const known = (commands: readonly string[], script: ScriptPart) =>
    commands.map((command) => command.trim()).filter((command) => command !== "")
      .map((command): KnownCommand => ({ text: mask(command), script }));
  return [
    ...known(Object.values(job.hooks).flat(), "hook"),
    ...known(before, "before_script"),
    ...known(script, "script"),
    ...known(after, "after_script"),
  ];
}

/** With the job's inputs in them. */
function scripts({ beforeScript, script, afterScript }: CiJob, response: JobResponse) {
  if (response.inputs.length === 0) return { before: beforeScript, script, after: afterScript };
  const [main, after] = interpolated(response).map((step) => step.script);
  const count = beforeScript.length;
  return {
    before: main?.slice(0, count) ?? [],
    script: main?.slice(count) ?? [],
    after: after ?? [],
  };
}

/** A job whose inputs cannot be put in runs none of its commands. */
function interpolated(response: JobResponse): JobResponse["steps"] {
  try {
    return interpolateInputs(response).steps;
  } catch (error) {
    if (error instanceof JobConfigurationError) return [];
    throw error;
  }
}

/** Hides what the trace hides. */
function maskOf(response: JobResponse): (text: string) => string {
  const rules = new MaskRules(tokenPrefixes([], { all: false }));
  rules.addValues([response.token, ...new JobVariables(response.variables, "").secrets]);
  return (text) => {
    const parts: Buffer[] = [];
    const masker = new Masker(rules, (bytes) => void parts.push(Buffer.from(bytes)));
    masker.write(Buffer.from(text));
    masker.flush();
    return Buffer.concat(parts).toString("utf8");
  };
}
