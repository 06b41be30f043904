/**
 * Contract of a shell: it renders a build stage, which is data ({@link ScriptOp}), to the text of
 * one script, and says how to start the program that runs it. Shells are stateless, pure and total.
 */

/** Styles of the lines that scripts print about themselves (GitLab Runner's colours). */
export type PrintStyle = "plain" | "notice" | "warning" | "error";

/** A question that a script asks in the job's environment. */
export type ScriptCondition =
  | { readonly kind: "file-exists"; readonly path: string }
  /** A directory itself: a link to one does not count. */
  | { readonly kind: "directory-exists"; readonly path: string }
  /** Its own entries can be read, made and removed. */
  | { readonly kind: "directory-usable"; readonly path: string }
  /** The program is found in PATH or, with a slash in its name, is executable there. */
  | { readonly kind: "program-exists"; readonly program: string }
  /**
   * More than `count` names in the directory, not counting those with a dot in front, end with
   * `suffix`; `count` is at least 1.
   */
  | {
    readonly kind: "more-files";
    readonly directory: string;
    readonly suffix: string;
    readonly count: number;
  }
  /** The program exits with 0; its output is dropped. */
  | { readonly kind: "succeeds"; readonly argv: readonly string[] };

/**
 * One operation of a stage. A failing operation ends the script with its exit code, except inside
 * `attempt`. Strings are literal: the shell quotes them. Only `user-command` is shell code.
 */
export type ScriptOp =
  /** Sets and exports an environment variable. */
  | { readonly kind: "export"; readonly name: string; readonly value: string }
  /** Sets a variable of the script alone, which no program gets. */
  | { readonly kind: "set"; readonly name: string; readonly value: string }
  /** Removes variables from the environment. */
  | { readonly kind: "unset"; readonly names: readonly string[] }
  /** Writes `content` exactly to `path` with mode 0600, parents created, no link followed at `path`. */
  | { readonly kind: "write-file"; readonly path: string; readonly content: string }
  /** Exports the `KEY=value` lines of `path` when it exists (GITLAB_ENV), or `only` those of some keys. */
  | { readonly kind: "load-env-file"; readonly path: string; readonly only?: readonly string[] }
  | { readonly kind: "print"; readonly style: PrintStyle; readonly text: string }
  /** `Running on <host name> [via <via>]...`, the host's name found out by the script. */
  | { readonly kind: "print-host"; readonly via?: string }
  | { readonly kind: "change-directory"; readonly path: string }
  | { readonly kind: "make-directory"; readonly path: string }
  /** Removes the directory with all its content, also read-only content; absent is fine. */
  | { readonly kind: "remove-directory"; readonly path: string }
  | { readonly kind: "remove-file"; readonly path: string }
  /** Removes what has a base name like the pattern `name`, anywhere below `directory`, with its content. */
  | { readonly kind: "remove-matching"; readonly directory: string; readonly name: string }
  /** Runs a program; `env` is set for it alone. `quiet` drops its standard output. */
  | {
    readonly kind: "run";
    readonly argv: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly quiet?: boolean;
  }
  /** One entry of a user's script. `echo` is printed first, as `$ <text>`, when given. */
  | { readonly kind: "user-command"; readonly code: string; readonly echo?: UserCommandEcho }
  | {
    readonly kind: "when";
    readonly condition: ScriptCondition;
    readonly then: readonly ScriptOp[];
    readonly otherwise?: readonly ScriptOp[];
  }
  /** Runs `ops`; when one of them fails, runs `otherwise` and goes on as if all was well. */
  | {
    readonly kind: "attempt";
    readonly ops: readonly ScriptOp[];
    readonly otherwise: readonly ScriptOp[];
  }
  /** Runs the groups at the same time; fails when one failed, after all have ended. */
  | { readonly kind: "concurrently"; readonly groups: readonly (readonly ScriptOp[])[] };

/** How a user's command is announced before it runs. */
export type UserCommandEcho =
  | { readonly kind: "line"; readonly text: string }
  /** A collapsed section `name` that holds the text alone, the clock read by the script. */
  | { readonly kind: "section"; readonly name: string; readonly text: string };

export interface RenderOptions {
  /** `CI_DEBUG_TRACE`: the shell prints each command it runs. */
  readonly debugTrace: boolean;
  /** `FF_ENABLE_BASH_EXIT_CODE_CHECK`: every user command's status is tested explicitly. */
  readonly checkExitCodes: boolean;
}

/** Where a shell is about to run. */
export interface ShellTarget {
  readonly os: "linux" | "darwin" | "windows" | "freebsd";
  /** A login shell reads the user's profile; hosts want that, containers do not. */
  readonly login: boolean;
}

/** How to start a shell so that it runs a script. */
export interface ShellInvocation {
  readonly argv: readonly string[];
  /** `stdin`: the script is its standard input. `file`: its path is appended to `argv`. */
  readonly script: { readonly kind: "stdin" } | {
    readonly kind: "file";
    readonly extension: string;
  };
}

export interface Shell {
  /** The name in `config.toml`'s `shell`: `bash`, `sh`, `pwsh`, `powershell`, `cmd`. */
  readonly name: string;
  invocation(target: ShellTarget): ShellInvocation;
  /** The complete script. Never throws for a valid op. */
  render(ops: readonly ScriptOp[], options: RenderOptions): string;
  /** Joins a path for scripts of this shell: `/` or `\`. */
  join(...parts: readonly string[]): string;
}
