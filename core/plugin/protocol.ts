/** The messages of the executor plugin protocol, version 1 (plugins/PROTOCOL.md). */

import { z } from "zod";
import type { Method, Notice } from "../rpc/peer.ts";

export const PROTOCOL_VERSION = 1;

/** By this variable all processes of one plugin are known. */
export const PLUGIN_MARK = "RUNNER_PLUGIN_MARK";

/** No line is longer, its end included. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** So much of a job's output may be on the way, before encoding. */
export const OUTPUT_WINDOW_BYTES = 256 * 1024;

/** What a plugin claims for itself beyond these, it does not get. Milliseconds. */
export const MOST_GRACE_MS = 60 * 60 * 1000;
export const MOST_CLEANUP_MS = 24 * 60 * 60 * 1000;

const Nothing = z.object({});
const Handle = z.string().min(1).max(256);
export const Note = z.record(z.string(), z.union([z.string(), z.number()]));

/** The `[[runners]]` entry, as far as a plugin is told. */
export const PluginRunner = z.object({
  name: z.string(),
  url: z.string(),
  id: z.int(),
  short_token: z.string(),
  executor: z.string(),
  builds_dir: z.string(),
  cache_dir: z.string(),
  shell: z.string(),
  environment: z.array(z.string()),
  feature_flags: z.record(z.string(), z.boolean()),
  custom_build_dir: z.object({ enabled: z.boolean().optional() }),
  config: z.record(z.string(), z.unknown()),
});
export type PluginRunner = z.infer<typeof PluginRunner>;

export const InitializeParams = z.object({
  protocol_versions: z.array(z.int()),
  host: z.object({
    name: z.string(),
    version: z.string(),
    os: z.string(),
    arch: z.string(),
    system_id: z.string(),
    executable: z.string(),
  }),
  runner: PluginRunner,
  state_dir: z.string(),
  max_line_bytes: z.int().positive(),
  output_window_bytes: z.int().positive(),
});
export type InitializeParams = z.infer<typeof InitializeParams>;

export const InitializeResult = z.object({
  protocol_version: z.int(),
  plugin: z.object({ name: z.string(), version: z.string() }),
  features: z.object({
    variables: z.boolean().default(true),
    image: z.boolean().default(false),
    services: z.boolean().default(false),
    shared: z.boolean().default(false),
    reap: z.boolean().default(false),
    session: z.boolean().default(false),
    terminal: z.boolean().default(false),
    files: z.boolean().default(false),
  }),
  default_shell: z.string().default("bash"),
  /** How long the plugin lets processes take to end after SIGTERM. Milliseconds. */
  grace_ms: z.number().nonnegative().default(30_000),
  /** How long it may take to clean up after a job. Milliseconds. */
  cleanup_ms: z.number().nonnegative().default(120_000),
});
export type InitializeResult = z.infer<typeof InitializeResult>;

export const AcquireResult = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("acquired"), handle: Handle }),
  z.object({ kind: z.literal("no-capacity") }),
]);

export const PrepareParams = z.object({
  handle: Handle,
  /** As GitLab sends it to runners; read by `JobResponse`. */
  job: z.record(z.string(), z.unknown()),
  slot: z.object({ runner: z.int(), project: z.int() }),
  tls: z.object({
    ca_chain: z.string().optional(),
    certificate: z.string().optional(),
    key: z.string().optional(),
  }),
});
export type PrepareParams = z.infer<typeof PrepareParams>;

const Path = z.string().regex(/^(?:\/|[A-Za-z]:[\\/])/, "it is no absolute path");

export const Environment = z.object({
  os: z.enum(["linux", "darwin", "windows", "freebsd"]),
  arch: z.string().nullable().default(null),
  hostname: z.string().nullable().default(null),
  via: z.string().nullable().default(null),
  builds_dir: Path,
  cache_dir: Path,
  shared_builds_dir: z.boolean().default(false),
  project_slot: z.int().nonnegative().default(0),
  shell: z.string(),
  login: z.boolean().default(false),
  exit_phrase: z.string().default("exit status"),
  helper_command: z.array(z.string()).min(1).nullable().default(null),
  variables: z.record(z.string(), z.string()).default({}),
});
export type Environment = z.infer<typeof Environment>;

export const RunParams = z.object({
  handle: Handle,
  stage: z.string(),
  script: z.string(),
  invocation: z.object({
    argv: z.array(z.string()),
    script: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("stdin") }),
      z.object({ kind: z.literal("file"), extension: z.string() }),
    ]),
  }),
  target: z.enum(["helper", "build"]),
});
export type RunParams = z.infer<typeof RunParams>;

const Size = z.object({ columns: z.int().positive(), rows: z.int().positive() });

export const TerminalParams = RunParams.extend(Size.shape);

/** No piece of a file is longer. */
const MOST_FILE_BYTES = 1024 * 1024;

export const PutFileParams = z.object({
  handle: Handle,
  name: z.string().regex(/^[^/\\]+$/),
  size: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type PutFileParams = z.infer<typeof PutFileParams>;

const ReadFileParams = z.object({
  handle: Handle,
  offset: z.int().nonnegative(),
  length: z.int().positive().max(MOST_FILE_BYTES),
});

const Usage = z.object({
  cpu_ms: z.number().nonnegative(),
  peak_memory: z.object({
    kind: z.enum(["exact", "below"]),
    bytes: z.number().nonnegative(),
  }),
}).optional();

export const ExitResult = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("exited"), code: z.int(), usage: Usage }),
  z.object({ kind: z.literal("signalled"), signal: z.string(), usage: Usage }),
  z.object({ kind: z.literal("oom-killed"), usage: Usage }),
]);
export type ExitResult = z.infer<typeof ExitResult>;

export const FinishParams = z.object({
  handle: Handle,
  result: z.object({
    kind: z.enum(["success", "failed", "canceled", "aborted"]),
    reason: z.string().optional(),
    message: z.string().optional(),
    exit_code: z.int().optional(),
  }),
});

export const AbortReason = z.object({
  kind: z.enum(["canceled", "timeout", "aborted", "shutdown", "disposed"]),
  message: z.string(),
  grace_ms: z.number().nonnegative(),
});
export type AbortReason = z.infer<typeof AbortReason>;

const HandleOnly = z.object({ handle: Handle });

function method<P, R>(
  name: string,
  params: z.ZodType<P>,
  result: z.ZodType<R>,
): Method<P, R> {
  return { name, params, result };
}

/** What the host asks of a plugin. */
export const HOST_METHODS = {
  initialize: method("initialize", InitializeParams, InitializeResult),
  acquire: method("executor/acquire", Nothing, AcquireResult),
  prepare: method("executor/prepare", PrepareParams, Environment),
  run: method("executor/run", RunParams, ExitResult),
  terminal: method("executor/terminal", TerminalParams, ExitResult),
  putFile: method("executor/put_file", PutFileParams, z.object({ path: Path })),
  finish: method("executor/finish", FinishParams, Nothing),
  cleanup: method("executor/cleanup", HandleOnly, Nothing),
  reap: method("executor/reap", z.object({ note: Note }), Nothing),
  shutdown: method("shutdown", Nothing, Nothing),
} as const;

/** What a plugin asks of the host. */
export const PLUGIN_METHODS = {
  remember: method("job/remember", z.object({ handle: Handle, note: Note }), Nothing),
  readFile: method("file/read", ReadFileParams, z.object({ data: z.base64() })),
} as const;

function notice<P>(name: string, params: z.ZodType<P>): Notice<P> {
  return { name, params };
}

const Credit = z.object({ handle: Handle, bytes: z.int().positive() });
const Data = z.object({ handle: Handle, data: z.string() });

export const HOST_NOTICES = {
  credit: notice("job/credit", Credit),
  terminalInput: notice("terminal/input", Data),
  terminalResize: notice("terminal/resize", Size.extend({ handle: Handle })),
  terminalCredit: notice("terminal/credit", Credit),
} as const;

export const PLUGIN_NOTICES = {
  output: notice(
    "job/output",
    z.object({
      handle: Handle,
      data: z.string(),
      stream: z.enum(["stdout", "stderr"]).optional(),
    }),
  ),
  log: notice(
    "job/log",
    z.object({
      handle: Handle,
      style: z.enum(["plain", "notice", "warning", "error"]),
      text: z.string(),
    }),
  ),
  runnerLog: notice(
    "log",
    z.object({
      level: z.enum(["debug", "info", "warning", "error"]),
      message: z.string(),
    }),
  ),
  terminalOutput: notice("terminal/output", Data),
  terminalCredit: notice("terminal/credit", Credit),
} as const;
