/**
 * Executor plugins for `runner` in TypeScript, for Bun. A plugin is a description of itself and one
 * call of {@link servePlugin}; plugins/PROTOCOL.md describes what then happens.
 */

export type {
  Executor,
  ExecutorFeatures,
  ExecutorHost,
  ExecutorInfo,
  ExecutorIO,
  ExecutorNote,
  ExitStatus,
  HostFile,
  JobLog,
  OutputSink,
  PreparedEnvironment,
  StageCommand,
  Terminal,
  TerminalOptions,
} from "../../core/executor.ts";
export { ConfigurationError, JobConfigurationError, SystemFailure } from "../../core/errors.ts";
export type { JobResult } from "../../core/job/result.ts";
export type { JobSpec } from "../../core/job/spec.ts";
export type { InitializeParams } from "../../core/plugin/protocol.ts";
export {
  runScript,
  runScriptOnTerminal,
  type RunScriptOptions,
} from "../../core/plugin/run_script.ts";
export { saveFile } from "../../core/plugin/save_file.ts";
export type { OpenPlugin, Plugin } from "../../core/plugin/serve.ts";
export type { TerminalSize } from "../../core/util/process_pty.ts";
export { servePlugin } from "./serve.ts";
