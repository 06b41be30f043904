import type { ExecLab } from "./exec_lab.ts";
import { EXECUTABLE } from "./runner_process.ts";

/** The executable on a terminal of its own. */
export class TerminalLab implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  #more = Promise.withResolvers<void>();
  text = "";

  constructor(lab: ExecLab, ...args: readonly string[]) {
    this.#child = Bun.spawn([EXECUTABLE, "exec", ...args], {
      cwd: lab.repository,
      env: { ...lab.env, TERM: "xterm" },
      terminal: {
        cols: 200,
        rows: 50,
        data: (_terminal, bytes) => {
          this.text += Buffer.from(bytes).toString();
          this.#more.resolve();
          this.#more = Promise.withResolvers();
        },
      },
    });
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }

  type(text: string): void {
    this.#child.terminal?.write(text);
  }

  kill(): void {
    this.#child.kill("SIGINT");
  }

  async until(wanted: string | (() => boolean)): Promise<void> {
    const isThere = () => typeof wanted === "string" ? this.text.includes(wanted) : wanted();
    while (!isThere()) {
      const first = await Promise.race([this.#more.promise, this.exited]);
      if (typeof first === "number" && !isThere()) {
        throw new Error(`ended without ${wanted}:\n${this.text}`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}
