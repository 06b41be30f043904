/** Flags of `register` beside those of a runner entry. */

import { CONFIG_FLAG } from "../config_file.ts";
import type { Flag } from "../flag.ts";
import { runnerEntryFlags } from "../runner_flags.ts";

const SERVER_SIDE: readonly Flag[] = [
  {
    names: ["tag-list"],
    kind: "string",
    env: "RUNNER_TAG_LIST",
    help: "Tags, separated by commas",
  },
  {
    names: ["run-untagged"],
    kind: "bool",
    env: "REGISTER_RUN_UNTAGGED",
    default: "true without tags",
    help: "Take jobs without tags",
  },
  {
    names: ["locked"],
    kind: "bool",
    env: "REGISTER_LOCKED",
    default: "true",
    help: "Lock the runner to its project",
  },
  {
    names: ["access-level"],
    kind: "string",
    env: "REGISTER_ACCESS_LEVEL",
    default: "not_protected",
    help: "not_protected or ref_protected",
  },
  {
    names: ["maximum-timeout"],
    kind: "int",
    env: "REGISTER_MAXIMUM_TIMEOUT",
    default: "0",
    help: "Longest job, in seconds; 0 means no limit",
  },
  {
    names: ["paused"],
    kind: "bool",
    env: "REGISTER_PAUSED",
    help: "Register without taking jobs yet",
  },
  {
    names: ["maintenance-note"],
    kind: "string",
    env: "REGISTER_MAINTENANCE_NOTE",
    help: "Note for administrators",
  },
];

/** Settings that GitLab keeps; they can be given only with a registration token. */
export const SERVER_SIDE_FLAGS: readonly Flag[] = SERVER_SIDE.map((flag) => ({
  ...flag,
  group: "Kept by GitLab (registration tokens only)",
}));

const OWN_FLAGS: readonly Flag[] = [
  CONFIG_FLAG,
  {
    names: ["template-config"],
    kind: "string",
    env: "TEMPLATE_CONFIG_FILE",
    help: "TOML file with one [[runners]] entry that fills in what is left unset",
  },
  {
    names: ["registration-token"],
    short: "r",
    kind: "string",
    env: "REGISTRATION_TOKEN",
    help: "Registration token (deprecated by GitLab)",
  },
  {
    names: ["non-interactive"],
    short: "n",
    kind: "bool",
    env: "REGISTER_NON_INTERACTIVE",
    help: "Ask nothing; a value that is needed and missing is an error",
  },
  {
    names: ["leave-runner"],
    kind: "bool",
    env: "REGISTER_LEAVE_RUNNER",
    help: "Keep the runner at GitLab when a later step fails",
  },
];

export function registerFlags(): readonly Flag[] {
  return [...OWN_FLAGS, ...SERVER_SIDE_FLAGS, ...runnerEntryFlags()];
}
