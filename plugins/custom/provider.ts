/** Makes executors of the operator's programs, and tidies up after jobs whose runner died. */

import type { RunnerConfig } from "../../core/config/schema.ts";
import type {
  ExecutorInfo,
  ExecutorNote,
  ExecutorProvider,
  ReapOptions,
} from "../../core/executor.ts";
import { CustomExecutor } from "./executor.ts";
import { JobFiles } from "./job_files.ts";

export type CustomConfig = NonNullable<RunnerConfig["custom"]>;

export interface CustomProviderOptions {
  /** What the programs inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly custom: CustomConfig;
}

export class CustomExecutorProvider implements ExecutorProvider {
  readonly name = "custom";
  readonly #options: CustomProviderOptions;

  constructor(options: CustomProviderOptions) {
    this.#options = options;
  }

  info(config: RunnerConfig): ExecutorInfo {
    return {
      features: {
        variables: true,
        image: false,
        services: false,
        shared: true,
        session: false,
        terminal: false,
      },
      defaultShell: config.shell || "bash",
    };
  }

  async acquire(config: RunnerConfig, { host }: { host: ReapOptions["host"] }) {
    return new CustomExecutor({ ...this.#options, runner: config, logger: host.logger });
  }

  /** The programs themselves have ended with their plugin; `cleanup_exec` removes what they made. */
  async reap(note: ExecutorNote, { config, host, signal }: ReapOptions): Promise<void> {
    const files = JobFiles.reopen(note);
    if (files === undefined || config === undefined) return;
    const executor = new CustomExecutor({ ...this.#options, runner: config, logger: host.logger });
    await executor.cleanUpAfter(files, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
