/** A child process as the other side of a connection: spoken to over its standard input and output. */

import { existsSync, readFileSync } from "node:fs";
import { codeOf, messageOf, RunnerError } from "../errors.ts";
import { delay } from "../util/abort.ts";
import { LogLines } from "../util/log_lines.ts";
import { killTree, terminateTree } from "../util/process_tree.ts";
import { StreamTransport } from "./stream_transport.ts";
import type { Transport } from "./transport.ts";

export interface ChildCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The complete environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Who has it in the environment ends with the child. Added to the environment. */
  readonly mark: { readonly name: string; readonly value: string };
  readonly maxLineBytes: number;
  /** Takes each line of the child's standard error. */
  readonly onLog: (line: string) => void;
}

/** How a child ended, for people: `exit code 3`, `signal SIGKILL`. */
export type ChildEnd = string;

/** How long a child may take to end after its input was closed, and after SIGTERM. */
const CLOSE_MS = 15_000;
const TERMINATE_MS = 5000;

export interface ChildTransport extends Transport {
  readonly pid: number;
  /** Resolves when the child has ended. */
  readonly ended: Promise<ChildEnd>;
  /**
   * Closes its input and waits; then SIGTERM, then SIGKILL. Nothing of its tree is left. Resolves with
   * whether it ended by itself.
   */
  stop(): Promise<boolean>;
  /** Ends it and everything it started, now. */
  kill(): Promise<void>;
}

/** Throws RunnerError when the program cannot be started. */
export function startChild(command: ChildCommand): ChildTransport {
  const { argv, cwd, env, mark } = command;
  const startedAt = performance.now();
  const child = spawn(argv, { cwd, env: { ...env, [mark.name]: mark.value } });
  const leader = { pid: child.pid, startedAt };
  const marked = `${mark.name}=${mark.value}`;
  const transport = new StreamTransport({
    input: child.stdout,
    output: child.stdin,
    maxLineBytes: command.maxLineBytes,
  });
  const logged = readLog(child.stderr, command.onLog);
  const ended = child.exited.then(() =>
    child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`
  );
  const kill = async () => {
    await killTree(marked, leader);
    await ended;
  };
  return {
    pid: child.pid,
    lines: transport.lines,
    send: (line) => transport.send(line),
    close: () => transport.close(),
    ended,
    kill,
    async stop() {
      transport.close();
      using patience = new AbortTimer();
      const inTime = delay(CLOSE_MS, { signal: patience.signal }).then(() => false, () => true);
      const byItself = await Promise.race([ended.then(() => true), inTime]);
      if (!byItself) {
        await terminateTree(marked, leader, { exited: ended, graceMs: TERMINATE_MS });
      }
      await kill();
      await logged;
      return byItself;
    },
  };
}

/** Ends a wait that nobody needs any more. */
class AbortTimer implements Disposable {
  readonly #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#controller.abort(new RunnerError("The wait is over"));
  }
}

function spawn(argv: readonly string[], options: { cwd: string; env: Record<string, string> }) {
  try {
    return Bun.spawn([...argv], {
      ...options,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
  } catch (cause) {
    const why = whyNot(argv[0] ?? "", cause) ?? messageOf(cause);
    throw new RunnerError(`Cannot start "${argv[0]}": ${why}`, { cause });
  }
}

/** What the system's error says of a script that somebody has just written. */
function whyNot(program: string, cause: unknown): string | undefined {
  if (codeOf(cause) === "EACCES") return 'it is not executable, which "chmod +x" makes it';
  if (codeOf(cause) !== "ENOENT" || !existsSync(program)) return undefined;
  const [first = ""] = readFileSync(program, "latin1").split("\n", 1);
  return `there is no program as its first line wants: ${JSON.stringify(first.slice(0, 80))}`;
}

async function readLog(
  stream: AsyncIterable<Uint8Array>,
  onLog: (line: string) => void,
): Promise<void> {
  using lines = new LogLines(onLog);
  for await (const chunk of stream) lines.write(chunk);
}
