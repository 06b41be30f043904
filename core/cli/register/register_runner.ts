/** The steps of `register`, in the order in which GitLab Runner takes them. */

import { editConfig } from "../../config/edit.ts";
import { loadConfig } from "../../config/load.ts";
import type { GlobalConfig } from "../../config/schema.ts";
import type { Coordinator } from "../../coordinator/coordinator.ts";
import { codeOf, messageOf } from "../../errors.ts";
import type { Secret } from "../../util/secret.ts";
import type { Answers } from "./answers.ts";
import type { CommandContext } from "../command.ts";
import { connect, managerIdentity, refusal } from "../connect.ts";
import type { FlagValues } from "../flag.ts";
import { checkAccessLevel } from "./at_gitlab.ts";
import { askExecutor, checkExecutor } from "./executor_questions.ts";
import { identify, type Identity } from "./identity.ts";
import { checkShell } from "./shell_name.ts";
import { loadTemplate } from "./template_config.ts";
import {
  type EntryTable,
  fillIn,
  textAt,
  withDefaults,
  withoutForeignTables,
} from "../runner_entry.ts";
import { entryFromFlags } from "../runner_flags.ts";

export interface RegisterOptions {
  readonly configPath: string;
  readonly answers: Answers;
  /** Aborts when the user interrupts; what was made at GitLab by then is taken back. */
  readonly signal: AbortSignal;
}

/** Adds one runner. Throws ConfigurationError or RunnerError, and leaves nothing then. */
export async function registerRunner(
  flags: FlagValues,
  context: CommandContext,
  options: RegisterOptions,
): Promise<void> {
  const { program, logger } = context;
  const { answers, configPath, signal } = options;
  checkAccessLevel(flags);
  const executors = await program.executors();
  const existing = await existingConfig(configPath, context);
  const template = await loadTemplate(flags.text("template-config"), program);
  const offered = fillIn(entryFromFlags(flags), template);
  checkShell(offered, { shells: await program.shells(), logger });
  if (!answers.interactive) checkExecutor(offered, executors);
  const complete = () => askExecutor(offered, { answers, executors, logger });
  // Without questions everything is known by now; GitLab need not hear of what cannot be written.
  const settings = answers.interactive ? undefined : await complete();
  const manager = await managerIdentity(configPath, context);

  const url = await answers.ask("url", {
    text: "Enter the GitLab instance URL (for example, https://gitlab.com/):",
  }, textAt(offered, ["url"]));
  const open = (token: Secret) =>
    connect(
      {
        url,
        token,
        "tls-ca-file": textAt(offered, ["tls-ca-file"]),
        "tls-cert-file": textAt(offered, ["tls-cert-file"]),
        "tls-key-file": textAt(offered, ["tls-key-file"]),
      },
      context,
      manager,
    );
  const { hostname } = program;
  const identity = await identify(flags, { answers, hostname, logger, open, signal });
  try {
    warnAboutLimit(offered, existing, context);
    const entry = { ...settings ?? await complete(), ...identityEntry(url, identity) };
    const own = withoutForeignTables(entry, textAt(entry, ["executor"]));
    await save(withDefaults(own, program.platform), identity, context, options);
  } catch (error) {
    if (isNewHere(identity, existing) && !flags.bool("leave-runner")) {
      await takeBack(identity, open, context);
    }
    throw error;
  }
  logger.info(
    "Runner registered successfully. Feel free to start it, but if it's running already the " +
      "config should be automatically reloaded!",
  );
  logger.info(
    `Configuration (with the authentication token) was saved in ${JSON.stringify(configPath)}`,
  );
}

/** The configuration as it is, so that a broken one stops us before GitLab knows of the runner. */
async function existingConfig(
  path: string,
  { program }: CommandContext,
): Promise<GlobalConfig | undefined> {
  try {
    return (await loadConfig(path, { env: program.env })).config;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** An entry with this token is in use already: what GitLab holds of it is not for us to remove. */
function isNewHere({ isNew, runner }: Identity, existing: GlobalConfig | undefined): boolean {
  const token = runner.token.reveal();
  return isNew && existing?.runners.every((known) => known.token.reveal() !== token) !== false;
}

function warnAboutLimit(
  entry: EntryTable,
  existing: GlobalConfig | undefined,
  { logger }: CommandContext,
): void {
  const limit = Number(entry["limit"] ?? 0);
  const concurrent = existing?.concurrent ?? 1;
  if (limit <= concurrent) return;
  logger.warning(
    `The limit of this runner (${limit}) is larger than the global concurrent (${concurrent}), ` +
      "which stays as it is",
  );
}

function identityEntry(url: string, { name, runner }: Identity): EntryTable {
  return {
    name,
    url,
    id: runner.id,
    token: runner.token.reveal(),
    token_obtained_at: toSecond(new Date()),
    ...(runner.tokenExpiresAt === undefined
      ? {}
      : { token_expires_at: toSecond(runner.tokenExpiresAt) }),
  };
}

function toSecond(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

async function save(
  entry: EntryTable,
  { runner }: Identity,
  { program, logger }: CommandContext,
  { configPath, signal }: RegisterOptions,
): Promise<void> {
  await editConfig(configPath, (draft) => {
    if (draft.runners.some(({ token }) => token.reveal() === runner.token.reveal())) {
      logger.warning("A runner with this system ID and token has already been registered.");
    }
    draft.addRunner(entry);
  }, { env: program.env, signal });
}

/** Removes at GitLab what this run made there; a failure only can be told. */
async function takeBack(
  { runner }: Identity,
  open: (token: Secret) => Coordinator,
  { logger }: CommandContext,
): Promise<void> {
  try {
    using coordinator = open(runner.token);
    const outcome = await coordinator.unregisterRunner({ signal: AbortSignal.timeout(30_000) });
    if (outcome.kind === "unregistered" || outcome.kind === "already-gone") {
      logger.info("Unregistering runner from GitLab succeeded");
      return;
    }
    const { word, error } = refusal(outcome);
    logger.error(`Unregistering runner from GitLab ${word}`, { error });
  } catch (error) {
    logger.error("Unregistering runner from GitLab failed", { error: messageOf(error) });
  }
}
