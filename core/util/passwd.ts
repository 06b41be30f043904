/** Accounts of this host. */

import { readFileSync } from "node:fs";
import { runProcess } from "./process.ts";

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/**
 * The account called `name`, from `/etc/passwd` or, where accounts come from elsewhere (LDAP,
 * macOS), from the program that asks for them. Undefined: there is none. `path` is where to look for
 * that program.
 */
export async function findAccount(
  name: string,
  options: { path: string; signal: AbortSignal },
): Promise<Account | undefined> {
  return accountIn(readPasswd(), name) ?? accountIn(await ask(name, options), name);
}

/** The account called `name` in lines of 7 fields (passwd) or of 10 (BSD's master.passwd). */
export function accountIn(text: string, name: string): Account | undefined {
  for (const line of text.split("\n")) {
    const fields = line.split(":");
    const [entry, , uid, gid] = fields;
    const [home, shell] = fields.slice(-2);
    if (entry !== name || fields.length < 7 || home === undefined) continue;
    return { name, uid: Number(uid), gid: Number(gid), home, shell: shell || "/bin/sh" };
  }
  return undefined;
}

function readPasswd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}

async function ask(name: string, options: { path: string; signal: AbortSignal }): Promise<string> {
  const argv = process.platform === "linux" ? ["getent", "passwd", name] : ["id", "-P", name];
  const chunks: Uint8Array[] = [];
  try {
    await runProcess({
      argv,
      cwd: "/",
      env: { PATH: options.path },
      mark: { name: "RUNNER_PROCESS_MARK", value: crypto.randomUUID() },
      output: (bytes) => void chunks.push(bytes),
      graceMs: () => 0,
    }, options);
  } catch {
    // No such program, or no such user, for which getent fails: both are no answer.
    options.signal.throwIfAborted();
  }
  return Buffer.concat(chunks).toString();
}
