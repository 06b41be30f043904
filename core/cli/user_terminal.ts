/** Standard input and output, as the terminal of a user. */

import type { UserTerminal } from "../local/user_terminal.ts";
import type { TerminalSize } from "../util/process_pty.ts";
import type { Program } from "./program.ts";

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

export function userTerminal(
  program: Pick<Program, "stdin" | "stdout" | "signals" | "env">,
): UserTerminal {
  const { stdout, signals, env } = program;
  const size = () => ({
    columns: stdout.columns ?? DEFAULT_SIZE.columns,
    rows: stdout.rows ?? DEFAULT_SIZE.rows,
  });
  return {
    type: env["TERM"] || "xterm",
    get size() {
      return size();
    },
    write: (bytes) => void stdout.write(bytes),
    listen({ onInput, onResize }) {
      const { stdin } = program;
      const take = (typed: Uint8Array | string) => onInput(Buffer.from(typed));
      const unlisten = signals.on("SIGWINCH", () => onResize(size()));
      stdin.setRawMode?.(true);
      stdin.on?.("data", take);
      stdin.resume?.();
      return {
        [Symbol.dispose]() {
          unlisten();
          stdin.off?.("data", take);
          // What is typed from now on belongs to whatever reads the terminal next.
          stdin.pause?.();
          stdin.setRawMode?.(false);
        },
      };
    },
  };
}
