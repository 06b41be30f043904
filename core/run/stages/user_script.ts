/** Build stages of the user's own commands: `step_script`, `step_<name>` and `after_script`. */

import type { JobStep } from "../../job/response.ts";
import { runnerVariable } from "../../job/variables.ts";
import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import { configScript, exportVariables, userCommands } from "./common.ts";

/** How the job stood when `after_script` started: its `CI_JOB_STATUS`. */
export type JobStatus = "success" | "failed" | "canceled" | "timedout";

/** Empty for a step without commands. */
export function userScript(context: PlanContext, step: JobStep): readonly ScriptOp[] {
  const commands = [
    ...configScript(context.runner, "pre_build_script"),
    ...step.script,
    ...configScript(context.runner, "post_build_script"),
  ];
  if (step.script.every((command) => command.trim() === "")) return [];
  return [...enter(context), ...userCommands(commands, { sections: sections(context, step.name) })];
}

/** Empty when the job has no `after_script`. */
export function afterScript(context: PlanContext, status: JobStatus): readonly ScriptOp[] {
  const commands = context.spec.steps
    .filter((step) => step.name === "after_script")
    .flatMap((step) => step.script)
    .filter((command) => command.trim() !== "");
  if (commands.length === 0) return [];
  const variables = context.variables.with(runnerVariable("CI_JOB_STATUS", status));
  return [
    ...enter({ ...context, variables }),
    { kind: "print", style: "notice", text: "Running after script..." },
    ...userCommands(commands, { sections: sections(context, "after_script") }),
  ];
}

/** The environment that a user's command starts in. */
function enter(context: PlanContext): readonly ScriptOp[] {
  const { paths } = context;
  return [
    { kind: "make-directory", path: paths.tempDir },
    ...exportVariables(context),
    { kind: "make-directory", path: paths.projectDir },
    { kind: "change-directory", path: paths.projectDir },
    { kind: "load-env-file", path: context.variables.get("GITLAB_ENV") },
  ];
}

function sections(context: PlanContext, stage: string): string | undefined {
  const wanted = context.flags.FF_SCRIPT_SECTIONS && context.spec.features.trace_sections;
  return wanted ? stage : undefined;
}
