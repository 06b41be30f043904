/** Programs that keep registry credentials: `docker-credential-<name>`. */

import { tmpdir } from "node:os";
import { z } from "zod";
import { RunnerError } from "../../../core/errors.ts";
import { deadline } from "../../../core/util/abort.ts";
import { parseJson } from "../../../core/util/json.ts";
import { runProcess } from "../../../core/util/process.ts";
import { unnamedFile } from "../../../core/util/unnamed_file.ts";
import type { RegistryAuth } from "../engine/mod.ts";

export interface HelperOptions {
  /** The complete environment of helpers; they are looked for in its PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** The helper ran, and ended with an error of its own. */
export class HelperRefusal extends RunnerError {
  override readonly name = "HelperRefusal";
}

const Credentials = z.looseObject({ Username: z.string(), Secret: z.string() });
const Servers = z.record(z.string(), z.string());

/** Helpers that ask a cloud's API answer within a few seconds; one that asks a user never does. */
const LIMIT_MS = 30_000;

/** Credentials of thousands of registries are far from this. Bytes. */
const MOST_OUTPUT = 1 << 20;

/** The user name by which helpers say that the secret is an identity token. */
const TOKEN_USER = "<token>";

/** What the helper knows of `server`; undefined: nothing. Throws RunnerError when it fails. */
export async function helperCredentials(
  name: string,
  server: string,
  options: HelperOptions,
): Promise<RegistryAuth | undefined> {
  const { code, output } = await run(name, "get", server, options);
  if (code !== 0 && /credentials not found/i.test(output)) return undefined;
  const { Username: username, Secret: secret } = answer(name, "get", code, output, Credentials);
  return username === TOKEN_USER
    ? { identitytoken: secret, serveraddress: server }
    : { username, password: secret, serveraddress: server };
}

/** The servers whose credentials the helper keeps. Throws RunnerError when it cannot list them. */
export async function helperServers(
  name: string,
  options: HelperOptions,
): Promise<readonly string[]> {
  const { code, output } = await run(name, "list", "", options);
  return Object.keys(answer(name, "list", code, output, Servers));
}

/** Output of a helper that succeeded is a secret, also when it is not what was expected. */
function answer<T>(
  name: string,
  verb: string,
  code: number,
  output: string,
  schema: z.ZodType<T>,
): T {
  const program = `docker-credential-${name}`;
  if (code !== 0) {
    const [words = ""] = output.trim().split("\n");
    const why = words === "" ? "" : `: ${words.slice(0, 200)}`;
    throw new HelperRefusal(`"${program} ${verb}" ended with exit code ${code}${why}`);
  }
  // Without warnings that the helper wrote around its answer, to its standard error.
  const answer = output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1);
  const parsed = schema.safeParse(parseJson(answer));
  if (parsed.success) return parsed.data;
  throw new RunnerError(`The answer of "${program} ${verb}" is not what Docker's helpers answer`);
}

/** The server goes in by the standard input; neither it nor a secret is ever an argument. */
async function run(
  name: string,
  verb: "get" | "list",
  input: string,
  options: HelperOptions,
): Promise<{ code: number; output: string }> {
  const { env } = options;
  const program = programOf(name, env["PATH"] ?? "");
  const failure = (what: string) => new RunnerError(`"docker-credential-${name} ${verb}" ${what}`);
  const late = () => failure("did not answer in 30 seconds");
  using within = deadline(LIMIT_MS, late, options.signal);
  using stdin = unnamedFile(input, tmpdir());
  const chunks: Uint8Array[] = [];
  let size = 0;
  const exit = await runProcess({
    argv: [program, verb],
    cwd: "/",
    env,
    mark: { name: "RUNNER_PROCESS_MARK", value: crypto.randomUUID() },
    stdin: stdin.descriptor,
    output: (bytes) => {
      size += bytes.length;
      if (size <= MOST_OUTPUT) chunks.push(bytes.slice());
      else within.abort(failure("answered with more than 1 MiB"));
      return undefined;
    },
    graceMs: () => 0,
  }, within);
  if (exit.kind === "signalled") throw failure(`was ended by ${exit.signal}`);
  return { code: exit.code, output: Buffer.concat(chunks).toString() };
}

/** A job may name a helper, but only from among the installed ones. */
function programOf(name: string, path: string): string {
  const known = /^[\w.+-]+$/.test(name);
  const program = known ? Bun.which(`docker-credential-${name}`, { PATH: path }) : null;
  if (program !== null) return program;
  const why = known ? "there is no such program in PATH" : "it is not a plain name";
  throw new RunnerError(`Cannot use credential helper "${name}": ${why}`);
}
