/** What a source file may not do, wherever it stands in the import table. */

import type { Offence } from "./offence.ts";
import type { SourceFile } from "./source_file.ts";

const MAX_LINES = 400;

interface CodeRule {
  /** A match in the code, outside comments and strings, is an offence. */
  readonly pattern?: RegExp;
  /** An import of one of these is an offence too. */
  readonly imports?: readonly string[];
  readonly problem: string;
  readonly allowed: readonly Allowance[];
}

interface Allowance {
  /** Start of the paths that are allowed. */
  readonly below: string;
  readonly because: string;
}

const NOT_SHIPPED: readonly Allowance[] = [
  { below: "tests/", because: "tests are not part of the executable" },
  { below: "scripts/", because: "scripts are not part of the executable" },
];

const PLUGIN_PROGRAM = {
  below: "sdk/typescript/serve.ts",
  because: "it is the first thing that a plugin's program calls",
};

const CODE_RULES: readonly CodeRule[] = [
  {
    pattern: /\bprocess\s*\.\s*env\b|\bBun\s*\.\s*env\b|\bimport\s*\.\s*meta\s*\.\s*env\b/,
    problem: "reads the process environment; take the environment as an argument",
    allowed: [
      ...NOT_SHIPPED,
      { below: "main.ts", because: "passes the environment to all the rest" },
      { below: "core/config/", because: "the environment is a source of configuration" },
      PLUGIN_PROGRAM,
    ],
  },
  {
    pattern: /\bBun\s*\.\s*(?:spawn|spawnSync|\$)/,
    imports: ["node:child_process", "child_process"],
    problem: "starts a process; core/util/process.ts is the one place that does",
    allowed: [
      ...NOT_SHIPPED,
      { below: "core/util/process", because: "this is that place" },
      {
        below: "core/util/marked_processes.ts",
        because: "ps lists the processes where there is no /proc",
      },
      {
        below: "sdk/typescript/node/process_start.ts",
        because: "it takes that place in plugins that run in Node",
      },
      { below: "core/rpc/child_transport.ts", because: "a plugin is spoken to while it runs" },
      {
        below: "core/embedded/",
        because: "git http-backend is a CGI program, bound to one HTTP request",
      },
      { below: "core/archive/", because: "git ls-files names the untracked files of an archive" },
      {
        below: "core/config/system_id.ts",
        because: "outside Linux, one fixed program of the system names the machine",
      },
    ],
  },
  {
    pattern: /\bconsole\s*\./,
    problem: "writes to the console; use the logger or the output it was given",
    allowed: [
      ...NOT_SHIPPED,
      { below: "main.ts", because: "reports what no logger can" },
      PLUGIN_PROGRAM,
    ],
  },
  {
    pattern: /\bexport\s+default\b|\bas\s+default\b/,
    problem: "has a default export; export by name",
    allowed: [],
  },
];

/** Every place where a file does, is named, or is as long as none may. */
export function checkCode(files: readonly SourceFile[]): Offence[] {
  return files.flatMap((file) => [
    ...CODE_RULES.filter((rule) => breaks(file, rule)).map(({ problem }) => ({
      path: file.path,
      problem,
    })),
    ...checkName(file),
    ...checkLength(file),
  ]);
}

function breaks(file: SourceFile, rule: CodeRule): boolean {
  if (rule.allowed.some(({ below }) => file.path.startsWith(below))) return false;
  return rule.pattern?.test(file.code) === true ||
    file.imports.some(({ specifier }) => rule.imports?.includes(specifier) === true);
}

function checkName({ path }: SourceFile): Offence[] {
  const snake = /^[a-z0-9]+(?:_[a-z0-9]+)*$/;
  const odd = path.replace(/\.ts$/, "").split("/").find((part) => !snake.test(part));
  return odd === undefined ? [] : [{ path, problem: `"${odd}" is not snake_case` }];
}

function checkLength({ path, text }: SourceFile): Offence[] {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (lines <= MAX_LINES) return [];
  return [{
    path,
    problem: `has ${lines} lines, more than ${MAX_LINES}: which noun is hiding in it?`,
  }];
}
