/** Runs a small program of ours and takes what it prints, such as a question to git. */

import { RunnerError } from "../errors.ts";

export interface ProcessQuestion {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The complete environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** What the program reads; nothing when left out. */
  readonly input?: string;
}

export interface ProcessAnswer {
  readonly code: number;
  readonly output: string;
  readonly problem: string;
}

/** Not for programs of a job: what this one leaves running is nobody's. */
export async function askProcess(
  question: ProcessQuestion,
  options: { signal: AbortSignal },
): Promise<ProcessAnswer> {
  options.signal.throwIfAborted();
  const child = start(question, options.signal);
  const [output, problem, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  options.signal.throwIfAborted();
  return { code, output, problem };
}

/** The same without waiting in turns: nothing else of this process goes on meanwhile. */
export function askProcessNow({ argv, cwd, env, input }: ProcessQuestion): ProcessAnswer {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], {
    cwd,
    env: { ...env },
    stdin: input === undefined ? "ignore" : new TextEncoder().encode(input),
  });
  return { code: exitCode, output: stdout.toString(), problem: stderr.toString() };
}

function start({ argv, cwd, env, input }: ProcessQuestion, signal: AbortSignal) {
  try {
    return Bun.spawn([...argv], {
      cwd,
      env: { ...env },
      stdin: input === undefined ? "ignore" : new TextEncoder().encode(input),
      stdout: "pipe",
      stderr: "pipe",
      signal,
    });
  } catch (cause) {
    throw new RunnerError(`Cannot start "${argv[0]}": is it installed?`, { cause });
  }
}
