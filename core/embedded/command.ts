/** `runner coordinator`: runs an embedded coordinator until it is told to stop. */

import { EmbeddedCoordinator } from "./coordinator.ts";
import { ConfigurationError, messageOf } from "../errors.ts";

export interface CoordinatorCommandOptions {
  /** `host:port`, `:port` or `port`; port 0 takes a free one. */
  readonly listen: string;
  readonly reposDir?: string;
  readonly longPollSeconds: number;
  readonly checkIntervalSeconds: number;
  readonly registrationToken?: string;
  /** Every line is a JSON object. */
  readonly json: boolean;
  readonly out: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Resolves when `signal` aborts, after the findings have been printed. */
export async function runCoordinatorCommand(options: CoordinatorCommandOptions): Promise<void> {
  const { signal } = options;
  await using coordinator = await start(options);
  const runner = coordinator.addRunner({ description: "ready-made runner" });
  const person = coordinator.people.addToken();
  const print = options.json
    ? (kind: string, fields: object) => options.out(JSON.stringify({ kind, ...fields }))
    : undefined;
  if (print === undefined) {
    const tokens = { runner: runner.token, person: person.token };
    for (const line of instructions(coordinator.url, tokens, options)) options.out(line);
  } else {
    const { token } = runner;
    print("listening", { url: coordinator.url, token, access_token: person.token });
  }

  coordinator.onEvent(({ kind, text }) => {
    if (print === undefined) options.out(`${new Date().toISOString().slice(11, 23)} ${text}`);
    else print(kind, { at: new Date().toISOString(), text });
  });
  await aborted(signal);

  for (const finding of coordinator.findings()) {
    if (print !== undefined) print("finding", finding);
    else options.out(findingLine(finding));
  }
}

async function start(options: CoordinatorCommandOptions): Promise<EmbeddedCoordinator> {
  const { listen, reposDir, registrationToken } = options;
  const address = listenAddress(listen);
  try {
    return await EmbeddedCoordinator.start({
      ...address,
      ...(reposDir === undefined ? {} : { reposRoot: reposDir }),
      longPollMs: options.longPollSeconds * 1000,
      longPollHandsOut: true,
      checkIntervalMs: options.checkIntervalSeconds * 1000,
      registrationToken,
    });
  } catch (cause) {
    throw new ConfigurationError(
      `Cannot listen on "${listen}": use a free port of an address of this host (${
        messageOf(cause)
      })`,
      { cause },
    );
  }
}

function instructions(
  url: string,
  tokens: { readonly runner: string; readonly person: string },
  options: CoordinatorCommandOptions,
): string[] {
  const { registrationToken, reposDir } = options;
  return [
    `Coordinator listens on ${url}; its page is there, too.`,
    "",
    "Connect a runner with:",
    `  runner register --non-interactive --url ${url} --token ${tokens.runner} --executor shell`,
    ...(registrationToken === undefined
      ? []
      : [`or by its registration token: --registration-token ${registrationToken}`]),
    "or with these lines in its config.toml:",
    "  [[runners]]",
    '    name = "trial"',
    `    url = "${url}"`,
    `    token = "${tokens.runner}"`,
    '    executor = "shell"',
    "",
    "Enqueue a job with:",
    `  curl -H 'Content-Type: application/json' -d '{"script": "echo hello"}' ${url}/api/jobs`,
    ...(reposDir === undefined ? [] : [
      `Repositories of ${reposDir} are at ${url}/<path>.git`,
      "Run a job of one of them again on this machine with:",
      `  EXEC_GITLAB_TOKEN=${tokens.person} runner exec --job-url ${url}/<path>/-/jobs/<id>`,
    ]),
    "",
  ];
}

function findingLine(finding: ReturnType<EmbeddedCoordinator["findings"]>[number]): string {
  const { rule, runner, job, message, count } = finding;
  const who = runner === undefined ? "unknown runner" : `runner ${runner}`;
  const where = job === undefined ? "" : `, job ${job}`;
  const times = count === 1 ? "" : ` (${count} times)`;
  return `finding: ${rule}: ${who}${where}: ${message}${times}`;
}

function listenAddress(listen: string): { hostname: string; port: number } {
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(listen);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new ConfigurationError(
      `Cannot listen on "${listen}": give host:port, such as 127.0.0.1:8989`,
    );
  }
  const hostname = match[1]?.replace(/^\[|\]$/g, "") ?? "";
  return { hostname: hostname === "" ? "127.0.0.1" : hostname, port };
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
