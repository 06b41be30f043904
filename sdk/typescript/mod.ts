/**
 * Executor plugins for `runner` in TypeScript, for Bun. A plugin is a description of itself and one
 * call of {@link serveOnStdio}; plugins/PROTOCOL.md describes what then happens.
 */

export type {
  Executor,
  ExecutorFeatures,
  ExecutorHost,
  ExecutorInfo,
  ExecutorIO,
  ExecutorNote,
  ExitStatus,
  JobLog,
  OutputSink,
  PreparedEnvironment,
  StageCommand,
} from "../../core/executor.ts";
export { ConfigurationError, JobConfigurationError, SystemFailure } from "../../core/errors.ts";
export type { JobResult } from "../../core/job/result.ts";
export type { JobSpec } from "../../core/job/spec.ts";
export type { InitializeParams } from "../../core/plugin/protocol.ts";
export { runScript, type RunScriptOptions } from "../../core/plugin/run_script.ts";
export type { OpenPlugin, Plugin } from "../../core/plugin/serve.ts";
export { serveOnStdio } from "../../core/plugin/serve_stdio.ts";
