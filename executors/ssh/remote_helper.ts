/** This executable on the target: copied there once, for caches and artifacts. */

import { createReadStream } from "node:fs";
import { RunnerError } from "../../core/errors.ts";
import type { SshStarter } from "../../core/ssh/mod.ts";
import { abortable } from "../../core/util/abort.ts";
import { type HelperProgram, HelperPrograms } from "../../core/util/helper_programs.ts";
import { capture } from "./capture.ts";
import type { TargetFacts } from "./probe.ts";
import { posixCommand } from "./supervisor.ts";

/** `uname -m` in Go's words. */
const MACHINES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  amd64: "amd64",
  aarch64: "arm64",
  arm64: "arm64",
};

/** A program is as large as all others in a home together; one that no job has used goes. */
const UNUSED_DAYS = 30;

/** Programs for targets. Concurrent calls are safe. */
export class RemoteHelpers {
  readonly #programs: HelperPrograms | undefined;
  /** Settle when a copy to there has, in whichever way. */
  readonly #copies = new WeakMap<SshStarter, Promise<void>>();

  /** `own`: this process's program; undefined: nothing is ever copied. */
  constructor(own: string | undefined) {
    this.#programs = own === undefined ? undefined : new HelperPrograms(own);
  }

  /**
   * The program's path on the target, where it is put when it is not there yet. Undefined: there is
   * none for this platform. Throws RunnerError when it cannot be put there or does not run.
   */
  async install(
    host: SshStarter,
    facts: TargetFacts,
    options: { signal: AbortSignal },
  ): Promise<string | undefined> {
    const arch = MACHINES[facts.machine];
    if (arch === undefined) return undefined;
    const program = await this.#programs?.find({ os: facts.os, arch });
    if (program === undefined) return undefined;
    const directory = `${facts.home}/.cache/gitlab-runner-helper`;
    const path = `${directory}/${program.sha256.slice(0, 32)}`;
    if (/["$`]/.test(path)) throw new RunnerError(`Cannot copy to "${path}": odd characters`);
    for (;;) {
      if (await this.#isThere(host, path, options)) return path;
      // Jobs that start together need one copy.
      const other = this.#copies.get(host);
      if (other === undefined) break;
      await abortable(other, options.signal);
    }
    const copy = this.#copy(host, program, { directory, path }, options);
    const settled = copy.catch(() => {}).finally(() => this.#copies.delete(host));
    this.#copies.set(host, settled);
    await copy;
    return path;
  }

  async #isThere(
    host: SshStarter,
    path: string,
    options: { signal: AbortSignal },
  ): Promise<boolean> {
    const command = posixCommand([`test -x "${path}" && touch "${path}"`]);
    const { code } = await capture(host, command, options);
    return code === 0;
  }

  /** Under a name of its own until it is whole, verified and has run: others may copy it as well. */
  async #copy(
    host: SshStarter,
    program: HelperProgram,
    to: { readonly directory: string; readonly path: string },
    options: { signal: AbortSignal },
  ): Promise<void> {
    const { directory, path } = to;
    const command = posixCommand([
      "umask 077",
      `p="${path}"`,
      "t=$p.$$",
      `mkdir -p "${directory}" && chmod 700 "${directory}" || exit`,
      // Other runners may have other versions, so only what nobody uses goes.
      `find "${directory}" -type f -mtime +${UNUSED_DAYS} -exec rm -f {} +`,
      `set -- $(df -Pk "${directory}" | tail -n 1)`,
      `[ "$4" -lt ${Math.ceil(program.size / 1024)} ] 2>/dev/null && ` +
      `{ echo "it takes ${mebibytes(program.size)} MiB there, of which $(($4/1024)) are free" >&2` +
      "; exit 1; }",
      'trap "rm -f $t" EXIT',
      // Nobody may hear what is said when the connection has broken.
      'trap "exit 1" HUP PIPE TERM',
      'echo "#! /bin/sh" > "$t" && chmod 700 "$t" || exit',
      '"$t" 2>/dev/null || { echo "no program may run there (noexec)" >&2; exit 1; }',
      'cat > "$t" || exit',
      `h=$(sha256sum "$t" 2>/dev/null || shasum -a 256 "$t") || exit`,
      `[ "\${h%% *}" = ${program.sha256} ] || { echo the copy is damaged >&2; exit 1; }`,
      'chmod 700 "$t" && "$t" --version >/dev/null && mv -f "$t" "$p"',
    ]);
    const input = createReadStream(program.path, { highWaterMark: 256 * 1024 });
    try {
      const { code, errors } = await capture(host, command, { input, ...options });
      if (code === 0) return;
      throw new RunnerError(
        `Cannot copy the helper to "${path}": ${errors.trim() || `exit ${code}`}`,
      );
    } finally {
      input.destroy();
    }
  }
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}
