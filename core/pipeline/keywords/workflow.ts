/** `workflow` and `auto_cancel`. */

import type { CiWorkflow } from "../ci_config.ts";
import type { Entry } from "./entry.ts";
import { readRules } from "./rules.ts";

const MAX_NAME = 255;

export function readWorkflow(entry: Entry): CiWorkflow | undefined {
  const workflow = entry.asMapping();
  if (workflow === undefined) return undefined;
  workflow.checkKeys(["rules", "name", "auto_cancel"]);
  const name = workflow.string("name");
  if (name !== undefined && name.length > MAX_NAME) {
    workflow.reportKey("name", `is too long (maximum is ${MAX_NAME} characters)`);
  }
  const rules = workflow.at("rules");
  const autoCancel = workflow.at("auto_cancel");
  return {
    name,
    rules: rules === undefined ? undefined : readRules(rules, "workflow"),
    autoCancel: autoCancel === undefined ? undefined : readAutoCancel(autoCancel),
  };
}

export function readAutoCancel(entry: Entry): Readonly<Record<string, string>> | undefined {
  const autoCancel = entry.asMapping();
  if (autoCancel === undefined) return undefined;
  autoCancel.checkKeys(["on_new_commit", "on_job_failure"]);
  const newCommit = autoCancel.oneOf(
    "on_new_commit",
    ["conservative", "interruptible", "none"],
    "must be one of: conservative, interruptible, none",
  );
  const jobFailure = autoCancel.oneOf(
    "on_job_failure",
    ["none", "all"],
    "must be one of: none, all",
  );
  return {
    ...(newCommit === undefined ? {} : { on_new_commit: newCommit }),
    ...(jobFailure === undefined ? {} : { on_job_failure: jobFailure }),
  };
}
