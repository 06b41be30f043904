/** The terminal that the user sits at, for programs that run elsewhere. */

import type { Terminal, TerminalOptions } from "../executor.ts";
import type { TerminalSize } from "../util/process_pty.ts";

export interface UserTerminal {
  /** `TERM`: `xterm-256color`. */
  readonly type: string;
  readonly size: TerminalSize;
  /** Shows bytes as they are. */
  write(bytes: Uint8Array): void;
  /** Hands over every key, Ctrl-C too, and changes of size until the result is disposed. */
  listen(events: {
    onInput(bytes: Uint8Array): void;
    onResize(size: TerminalSize): void;
  }): Disposable;
}

/** Has the user at what `open` opens, to its end. How that is says nothing. */
export async function useTerminal(
  user: UserTerminal,
  open: (screen: Pick<TerminalOptions, "output" | "size">) => Promise<Terminal>,
): Promise<void> {
  const output = {
    write(bytes: Uint8Array): undefined {
      user.write(bytes);
    },
  };
  const terminal = await open({ output, size: user.size });
  using _ = user.listen({
    onInput: (bytes) => void terminal.write(bytes),
    onResize: (size) => terminal.resize(size),
  });
  await terminal.ended;
}
