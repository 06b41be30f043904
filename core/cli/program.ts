/** What the composition root hands to the command line: the world outside and the tables. */

import type { ExecutorProvider } from "../executor.ts";
import type { PluginTools } from "../plugin/tools.ts";
import type { Registry } from "../registry.ts";
import type { CommandEntry } from "./command.ts";
import type { ProcessSignals } from "../runner/shutdown.ts";
import type { Shell } from "../shell.ts";

/** Where a command prints. */
export interface TextOutput {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Where a command reads answers. A terminal can stop echoing what is typed. */
export interface TextInput extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  /** Hands over what is typed while it is not paused. */
  on?(event: "data", listener: (typed: Uint8Array | string) => void): unknown;
  off?(event: "data", listener: (typed: Uint8Array | string) => void): unknown;
  resume?(): unknown;
  pause?(): unknown;
}

/** Which executors are loaded. */
export interface ExecutorChoice {
  /** The account that jobs on this host run as. */
  readonly user?: string;
  /** Only this host's shell, or that and Docker, which are there sooner than all of them. */
  readonly only?: "shell" | "docker" | undefined;
  /** Jobs are this user's own: nothing of what is done for them has to be kept from them. */
  readonly local?: true;
}

/** One run of the program. Nothing below reads the process' environment or streams itself. */
export interface Program {
  /** The name it was called by, for help texts: `runner`, or `gitlab-runner` through a link. */
  readonly calledAs: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  /** Undefined where users have no number (Windows). */
  readonly uid: number | undefined;
  /** The user's directory; from the user database when `HOME` is empty. */
  readonly home: string;
  readonly hostname: string;
  readonly stdin: TextInput;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly executors: (options?: ExecutorChoice) => Promise<Registry<ExecutorProvider>>;
  readonly shells: () => Promise<Registry<Shell>>;
  /** Plugins in this executable; each serves on the standard streams until its host has gone. */
  readonly plugins: Readonly<Record<string, () => Promise<void>>>;
  /** Looks at plugins from the outside. */
  readonly pluginTools: () => Promise<PluginTools>;
  /** Rows of the command table that executors bring along. */
  readonly commands: readonly CommandEntry[];
  readonly signals: ProcessSignals;
  /** Changes the directory that this process works in. */
  readonly chdir: (directory: string) => void;
}
