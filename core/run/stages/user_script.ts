/** Build stages of the user's own commands: `step_script`, `step_<name>` and `after_script`. */

import type { JobStep } from "../../job/response.ts";
import { runnerVariable } from "../../job/variables.ts";
import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import { configScript, exportVariables, userCommands } from "./common.ts";
import { notice } from "./print.ts";

/** How the job stood when `after_script` started: its `CI_JOB_STATUS`. */
export type JobStatus = "success" | "failed" | "canceled" | "timedout";

/** Empty for a step without commands. */
export function userScript(context: PlanContext, step: JobStep): readonly ScriptOp[] {
  const { runner, variables } = context;
  // GitLab makes this step from the keyword `release`, whose texts may name variables.
  const script = step.name === "release"
    ? step.script.map((each) => variables.expand(each))
    : step.script;
  const commands = [
    ...userCommands(context, "pre_build_script", configScript(runner, "pre_build_script")),
    ...userCommands(context, "script_step", script),
    ...userCommands(context, "post_build_script", configScript(runner, "post_build_script")),
  ];
  return commands.length === 0 ? [] : [...enter(context), ...commands];
}

/** Empty when the job has no `after_script`. */
export function afterScript(context: PlanContext, status: JobStatus): readonly ScriptOp[] {
  const commands = context.spec.steps
    .filter((step) => step.name === "after_script")
    .flatMap((step) => step.script);
  if (commands.length === 0) return [];
  const variables = context.variables.with(runnerVariable("CI_JOB_STATUS", status));
  return [
    ...enter({ ...context, variables }),
    notice("Running after script..."),
    ...userCommands(context, "after_script_step", commands),
  ];
}

/** Our scripts have no standard input, and their output may be a pipe: the terminal is opened anew. */
export function interactiveShell(context: PlanContext, terminalType: string): readonly ScriptOp[] {
  const { shell } = context.environment;
  // The profile has been read; what only prompts need could change variables of the job.
  const argv = shell === "bash" ? "bash --norc -i" : `${shell} -i`;
  const code = `PS1='($CI_JOB_NAME) $PWD> ' exec ${argv} <>/dev/tty >&0 2>&0`;
  return [
    ...enter(context),
    { kind: "export", name: "TERM", value: terminalType },
    { kind: "user-command", code },
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
