/** The commands of a job as its trace will show them. */

import type { JobResponse } from "../job/response.ts";
import { JobVariables } from "../job/variables.ts";
import type { CiJob } from "../pipeline/ci_config.ts";
import { Masker, MaskRules, tokenPrefixes } from "../trace/masker.ts";
import type { ScriptPart } from "./events.ts";
import type { KnownCommand } from "./trace_parser.ts";

/** In the order in which a job runs them; commands without text are not echoed. */
export function knownCommands(job: CiJob, response: JobResponse): readonly KnownCommand[] {
  const mask = maskOf(response);
  const known = (commands: readonly string[], script: ScriptPart) =>
    commands.map((command) => command.trim()).filter((command) => command !== "")
      .map((command): KnownCommand => ({ text: mask(command), script }));
  return [
    ...known(Object.values(job.hooks).flat(), "hook"),
    ...known(job.beforeScript, "before_script"),
    ...known(job.script, "script"),
    ...known(job.afterScript, "after_script"),
  ];
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
