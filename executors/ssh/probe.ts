/** What has to be known of a target before a job runs there, asked in one call. */

import { SystemFailure } from "../../core/errors.ts";
import type { PreparedEnvironment } from "../../core/executor.ts";
import { EXPIRED_PASSWORD, type SshStarter } from "../../core/ssh/mod.ts";
import { posixCommand } from "./supervisor.ts";
import { capture } from "./capture.ts";

export interface TargetFacts {
  readonly os: PreparedEnvironment["os"];
  /** As `uname -m` says it. */
  readonly machine: string;
  /** Without a slash at its end, so empty for the root directory. */
  readonly home: string;
  /** The user has a home, and may write there. */
  readonly isHomeWritable: boolean;
  /** A program that does what this executable does for jobs; empty: there is none in PATH. */
  readonly helper: string;
}

/** In front of the answers: a profile may print what it likes. */
const BEGIN = "runner-target-facts";

/** Of what the server said instead. Characters. */
const MOST_QUOTED = 500;

/** Not every program called `runner` is one. */
const FIND_HELPER = "h=; for n in gitlab-runner runner; do " +
  "$n --version 2>/dev/null | grep -q ^Version: && h=$n && break; done";

/** Throws SystemFailure. */
export async function probe(
  host: SshStarter,
  options: { signal: AbortSignal },
): Promise<TargetFacts> {
  const command = posixCommand([
    "cd",
    FIND_HELPER,
    `echo; echo ${BEGIN}; uname -s; uname -m; pwd; echo "$h"; [ -w "$HOME" ] && echo w; :`,
  ]);
  const { code, output, errors } = await capture(host, command, options);
  const [, answers = ""] = output.split(`\n${BEGIN}\n`);
  const [system = "", machine = "", home = "", helper = "", writable] = answers.split("\n");
  if (code !== 0 || !home.startsWith("/")) {
    const how = code === undefined ? "ended by a signal" : `exit code ${code}`;
    const said = `${output}${errors}`.trim().slice(0, MOST_QUOTED).replace(/\s*\n\s*/g, " ");
    const why = `The server does not run commands for this user (${how}${said && `: ${said}`})`;
    throw new SystemFailure(why + adviceFor(said));
  }
  // Who has none begins in the root directory.
  return {
    os: operatingSystem(system),
    machine,
    home: home === "/" ? "" : home,
    isHomeWritable: writable === "w",
    helper,
  };
}

function adviceFor(said: string): string {
  if (/password has expired|password change required/i.test(said)) {
    return `: ${EXPIRED_PASSWORD}`;
  }
  return ". Look at the user's login shell, at the files it starts with (~/.bashrc), and at " +
    "ForceCommand in the server's configuration";
}

function operatingSystem(system: string): PreparedEnvironment["os"] {
  switch (system) {
    case "Linux":
      return "linux";
    case "Darwin":
      return "darwin";
    case "FreeBSD":
      return "freebsd";
    default:
      throw new SystemFailure(`Jobs cannot run on the server: its system is "${system}"`);
  }
}
