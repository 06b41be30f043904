/** Questions to git about the user's repository. None of them changes anything in it. */

import { RunnerError } from "../../errors.ts";
import { askProcess, askProcessNow } from "../../util/process_output.ts";
import type { WorkTree } from "./work_tree.ts";

export interface GitOptions {
  readonly tree: WorkTree;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface GitCall {
  /** `key=value` settings for this call. */
  readonly config?: readonly string[];
  /** Added to git's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
}

export interface Complaint {
  /** Git has not done all that was asked. */
  readonly failed: boolean;
  readonly text: string;
}

/** Nothing of the repository is started or written on the way. */
const QUIET = ["-c", "core.fsmonitor=false", "-c", "core.splitIndex=false", "-c", "gc.auto=0"];

export class Git {
  readonly #options: GitOptions;
  readonly #env: Readonly<Record<string, string>>;

  constructor(options: GitOptions) {
    this.#options = options;
    this.#env = gitEnvironment(options.env);
  }

  /** The same for another working tree. */
  in(tree: WorkTree): Git {
    return new Git({ ...this.#options, tree });
  }

  /** What git complains of, which may be much while it does what is asked. */
  async complaint(args: readonly string[], call: GitCall = {}): Promise<Complaint> {
    const { code, problem } = await this.#run(args, call);
    const text = code === 0 ? problem : problem || `git ${args[0]} ended with exit code ${code}`;
    return { failed: code !== 0, text };
  }

  /** What git prints. Throws RunnerError with what git complains of. */
  async ask(args: readonly string[], call: GitCall = {}): Promise<string> {
    const answer = await this.#run(args, call);
    if (answer.code === 0) return answer.output;
    const why = answer.problem.trim() || `exit code ${answer.code}`;
    throw new RunnerError(`git ${args[0]} failed in "${this.#options.tree.root}": ${why}`);
  }

  /** What git prints; undefined when it has no answer, as for a commit that is not there. */
  async tryAsk(args: readonly string[], call: GitCall = {}): Promise<string | undefined> {
    const answer = await this.#run(args, call);
    return answer.code === 0 ? answer.output : undefined;
  }

  /** As {@link tryAsk}, and nothing else goes on meanwhile. */
  askNow(args: readonly string[], call: GitCall = {}): string | undefined {
    const answer = askProcessNow(this.#question(args, call));
    return answer.code === 0 ? answer.output : undefined;
  }

  async #run(args: readonly string[], call: GitCall) {
    return await askProcess(this.#question(args, call), { signal: this.#options.signal });
  }

  #question(args: readonly string[], { config = [], env, cwd, input }: GitCall) {
    return {
      argv: ["git", ...QUIET, ...config.flatMap((setting) => ["-c", setting]), ...args],
      cwd: cwd ?? this.#options.tree.root,
      env: { ...this.#env, ...env },
      ...(input === undefined ? {} : { input }),
    };
  }
}

/** The user's environment without what would point git at another repository. */
function gitEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] =>
    entry[1] !== undefined && !/^(?:GIT_(?!SSH|CONFIG|EXEC_PATH)\w+|BUN_\w+)$/.test(entry[0])
  );
  return { ...Object.fromEntries(kept), GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" };
}
