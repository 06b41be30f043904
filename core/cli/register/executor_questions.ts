/** The last questions of `register`: which executor, and what that executor has to know. */

import { runnerConfig } from "../../config/entry.ts";
import { ConfigurationError } from "../../errors.ts";
import type { ExecutorProvider } from "../../executor.ts";
import type { Logger } from "../../log/logger.ts";
import type { Registry } from "../../registry.ts";
import type { Answers } from "./answers.ts";
import { type EntryTable, isExecutor, setAt, textAt } from "../runner_entry.ts";

interface ExecutorQuestion {
  readonly flag: string;
  readonly path: readonly [string, string];
  readonly text: string;
  readonly optional?: true;
  readonly secret?: true;
}

const IMAGE: ExecutorQuestion = {
  flag: "docker-image",
  path: ["docker", "image"],
  text: "Enter the default Docker image (for example, ruby:3.3):",
};

const WINDOWS_IMAGE: ExecutorQuestion = {
  ...IMAGE,
  text: "Enter the default Docker image (for example, mcr.microsoft.com/windows/servercore:1809):",
};

const SSH_SERVER: readonly ExecutorQuestion[] = [
  {
    flag: "ssh-host",
    path: ["ssh", "host"],
    text: "Enter the SSH server address (for example, my.server.com):",
  },
  {
    flag: "ssh-port",
    path: ["ssh", "port"],
    text: "Enter the SSH server port (for example, 22):",
    optional: true,
  },
];

const SSH_LOGIN: readonly ExecutorQuestion[] = [
  {
    flag: "ssh-user",
    path: ["ssh", "user"],
    text: "Enter the SSH user (for example, root):",
  },
  {
    flag: "ssh-password",
    path: ["ssh", "password"],
    text: "Enter the SSH password (for example, docker.io):",
    optional: true,
    secret: true,
  },
  {
    flag: "ssh-identity-file",
    path: ["ssh", "identity_file"],
    text: "Enter the path to the SSH identity file (for example, /home/user/.ssh/id_rsa):",
    optional: true,
  },
];

const QUESTIONS: Readonly<Record<string, readonly ExecutorQuestion[]>> = {
  "docker": [IMAGE],
  "docker+machine": [IMAGE],
  "docker-autoscaler": [IMAGE],
  "docker-windows": [WINDOWS_IMAGE],
  "ssh": [...SSH_SERVER, ...SSH_LOGIN],
  "parallels": [{
    flag: "parallels-base-name",
    path: ["parallels", "base_name"],
    text: "Enter the Parallels VM (for example, my-vm):",
  }, ...SSH_LOGIN],
  "virtualbox": [{
    flag: "virtualbox-base-name",
    path: ["virtualbox", "base_name"],
    text: "Enter the VirtualBox VM (for example, my-vm):",
  }, ...SSH_LOGIN],
};

/** `entry` with `executor` and that executor's answers. `entry` offers values for both. */
export async function askExecutor(
  entry: EntryTable,
  options: { answers: Answers; executors: Registry<ExecutorProvider>; logger: Logger },
): Promise<EntryTable> {
  const { answers } = options;
  const executor = await askExecutorName(entry, options);
  let complete = setAt(entry, ["executor"], executor);
  for (const { flag, path, ...question } of QUESTIONS[executor] ?? []) {
    const answer = await answers.ask(flag, question, textAt(entry, path));
    if (answer !== "") complete = setAt(complete, path, answer);
  }
  return complete;
}

async function askExecutorName(
  entry: EntryTable,
  { answers, executors, logger }: Parameters<typeof askExecutor>[1],
): Promise<string> {
  const text = `Enter an executor: ${executors.names.join(", ")}:`;
  let offered = textAt(entry, ["executor"]);
  while (true) {
    const name = await answers.ask("executor", { text }, offered);
    if (isServed(setAt(entry, ["executor"], name), executors)) return name;
    if (isExecutor(name)) {
      logger.warning(
        `This release does not have the executor "${name}" yet: the entry is written, but its runner ` +
          "takes no jobs",
      );
      return name;
    }
    logger.error("Invalid executor specified", { executor: name });
    offered = "";
  }
}

/** Throws ConfigurationError for a name that neither this build, a plugin nor GitLab Runner has. */
export function checkExecutor(entry: EntryTable, executors: Registry<ExecutorProvider>): void {
  const name = textAt(entry, ["executor"]);
  if (name === "" || isExecutor(name) || isServed(entry, executors)) return;
  throw new ConfigurationError(
    `Invalid executor specified: "${name}"; this build has ${executors.names.join(", ")}`,
  );
}

/** Whether this build has the entry's executor, or a plugin for it is there. */
function isServed(entry: EntryTable, executors: Registry<ExecutorProvider>): boolean {
  const name = textAt(entry, ["executor"]);
  if (executors.names.includes(name)) return true;
  const provider = executors.find(name);
  if (provider === undefined) return false;
  try {
    // Who the runner will be is not known yet, and says nothing about its executor.
    provider.info(runnerConfig({ ...entry, url: "https://gitlab.example.com", token: "none" }));
    return true;
  } catch {
    return false;
  }
}
