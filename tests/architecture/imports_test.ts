/** The arrows between the parts of the sources point one way. */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { checkCode } from "../../scripts/architecture/code_rules.ts";
import { checkImports } from "../../scripts/architecture/import_rules.ts";
import { parseSourceFile, readSourceFiles } from "../../scripts/architecture/source_file.ts";

test("The source tree keeps every rule", async () => {
  const files = await readSourceFiles(join(import.meta.dirname, "../.."));
  expect(files.length).toBeGreaterThan(100);
  expect(files.some((file) => file.imports.some(({ path }) => path === "core/errors.ts"))).toBe(
    true,
  );
  expect([...checkImports(files), ...checkCode(files)]).toEqual([]);
});

/** Problems of a tree given as path → text. */
function problems(tree: Record<string, string>): string[] {
  const files = Object.entries(tree).map(([path, text]) => parseSourceFile(path, text));
  return [...checkImports(files), ...checkCode(files)].map(({ path, problem }) =>
    `${path}: ${problem}`
  );
}

/** Writes an import of `path` as seen from `from`. */
function importing(from: string, path: string): Record<string, string> {
  const up = "../".repeat(from.split("/").length - 1) || "./";
  return { [from]: `import { x } from "${up}${path}";\n` };
}

describe("checkImports", () => {
  const refused: [from: string, to: string, because: string][] = [
    ["core/run/plan.ts", "executors/shell/executor.ts", "core imports only core"],
    ["core/run/plan.ts", "shells/bash.ts", "core imports only core"],
    ["core/trace/masker.ts", "core/run/plan.ts", "core/run stands above core/trace"],
    ["core/util/abort.ts", "core/job/spec.ts", "core/job stands above core/util"],
    ["core/archive/zip.ts", "core/job/spec.ts", "core/job stands above core/archive"],
    ["core/embedded/queue.ts", "core/cli/program.ts", "core/cli stands above core/embedded"],
    ["core/version.ts", "core/config/load.ts", "core/config stands above core/version"],
    ["core/job/spec.ts", "core/executor.ts", "core/executor stands above core/job"],
    ["shells/bash.ts", "core/errors.ts", "shells import only"],
    ["shells/bash.ts", "executors/shell/executor.ts", "shells import only"],
    ["executors/shell/executor.ts", "executors/ssh/executor.ts", "an executor imports only"],
    ["executors/shell/executor.ts", "shells/bash.ts", "an executor imports only"],
    ["executors/ssh/executor.ts", "executors/docker_ssh/executor.ts", "an executor imports only"],
    ["plugins/custom/main.ts", "plugins/kubernetes/main.ts", "a plugin imports only"],
    ["plugins/custom/main.ts", "shells/bash.ts", "a plugin imports only"],
    ["core/cli/program.ts", "main.ts", "nothing imports main"],
    ["core/cli/program.ts", "scripts/build.ts", "nothing imports scripts"],
    ["main.ts", "tests/fakes/clock.ts", "nothing imports tests"],
    ["core/cli/program.ts", "core/errors", "write the file's extension"],
  ];
  test.each(refused)("refuses %s importing %s", (from, to, because) => {
    expect(problems(importing(from, to))).toEqual([
      expect.stringContaining(because),
    ]);
  });

  const allowed: [from: string, to: string][] = [
    ["main.ts", "executors/shell/executor.ts"],
    ["core/errors.ts", "core/util/abort.ts"],
    ["core/run/plan.ts", "core/trace/trace.ts"],
    ["core/executor.ts", "core/config/schema.ts"],
    ["shells/bash.ts", "core/shell.ts"],
    ["shells/bash.ts", "core/util/token.ts"],
    ["executors/docker/executor.ts", "executors/docker/engine.ts"],
    ["executors/docker/executor.ts", "core/executor.ts"],
    ["executors/docker_ssh/executor.ts", "executors/ssh/mod.ts"],
    ["plugins/parallels/main.ts", "executors/ssh/connection.ts"],
    ["tests/core/run/plan_test.ts", "plugins/custom/main.ts"],
  ];
  test.each(allowed)("allows %s importing %s", (from, to) => {
    expect(problems(importing(from, to))).toEqual([]);
  });

  const forms = [
    'import type { Plan } from "../run/plan.ts";',
    'import {\n  type Plan,\n} from "../run/plan.ts";',
    'import "../run/plan.ts";',
    'export { Plan } from "../run/plan.ts";',
    'export type * from "../run/plan.ts";',
    'const { plan } = await import("../run/plan.ts");',
    'type Plan = import("../run/plan.ts").Plan;',
    'new Worker(new URL("../run/plan.ts", import.meta.url));',
  ];
  test.each(forms)("sees %s", (text) => {
    expect(problems({ "core/trace/masker.ts": text })).toHaveLength(1);
  });

  test("sees no import in a comment, a string or a template", () => {
    const text = [
      '// import { x } from "../run/plan.ts";',
      '/* import { x } from "../run/plan.ts"; */',
      "const a = 'import \"../run/plan.ts\"';",
      'const b = `import "../run/plan.ts" ${a} import "../run/plan.ts"`;',
      'const c = /["\'`]/.test(a); // from "../run/plan.ts"',
    ].join("\n");
    expect(problems({ "core/trace/masker.ts": text })).toEqual([]);
  });

  test("refuses two parts of one level that import each other", () => {
    expect(problems({
      "core/cache/key.ts": 'import { x } from "../coordinator/http.ts";',
      "core/coordinator/http.ts": 'import { x } from "../cache/key.ts";',
    })).toEqual([expect.stringContaining("core/cache and core/coordinator import each other")]);
  });

  test("refuses reaching past a door, and only where there is one", () => {
    const reaching = {
      "plugins/custom/main.ts": 'import { x } from "../../executors/ssh/connection.ts";',
    };
    expect(problems(reaching)).toEqual([]);
    expect(
      problems({ ...reaching, "executors/ssh/mod.ts": 'export { x } from "./connection.ts";' }),
    ).toEqual([
      expect.stringContaining("go through the door executors/ssh/mod.ts"),
    ]);
  });

  test("refuses a part of the core that the table does not place", () => {
    expect(problems({ "core/misc/thing.ts": "" })).toEqual([
      expect.stringContaining("has no level"),
    ]);
  });
});

describe("checkCode", () => {
  const refused: [path: string, text: string, because: string][] = [
    ["core/run/plan.ts", "const home = process.env.HOME;", "reads the process environment"],
    ["executors/shell/executor.ts", "const { HOME } = Bun.env;", "reads the process environment"],
    ["core/run/plan.ts", "Bun.spawn([]);", "starts a process"],
    ["core/run/plan.ts", "await Bun.$`ls`;", "starts a process"],
    ["core/run/plan.ts", 'import { spawn } from "node:child_process";', "starts a process"],
    ["core/run/plan.ts", "console.log(1);", "writes to the console"],
    ["core/run/plan.ts", "const text = `${console.log(1)}`;", "writes to the console"],
    ["scripts/tool.ts", "export default function tool() {}", "has a default export"],
    ["core/run/plan.ts", "export { plan as default };", "has a default export"],
    ["core/run/runJob.ts", "", '"runJob" is not snake_case'],
    ["core/run/run-job.ts", "", '"run-job" is not snake_case'],
  ];
  test.each(refused)("refuses in %s: %j", (path, text, because) => {
    expect(problems({ [path]: text })).toEqual([expect.stringContaining(because)]);
  });

  const allowed: [path: string, text: string][] = [
    ["main.ts", "run(process.env);"],
    ["core/config/load.ts", "run(process.env);"],
    ["core/util/process.ts", "Bun.spawn([]);"],
    ["core/util/process_group.ts", "Bun.spawn([]);"],
    ["core/embedded/git_http.ts", "Bun.spawn([]);"],
    ["tests/core/run/plan_test.ts", "console.log(process.env, Bun.spawn([]));"],
    ["core/run/plan.ts", "// console.log(process.env)\nconst a = 'Bun.spawn';"],
  ];
  test.each(allowed)("allows in %s: %j", (path, text) => {
    expect(problems({ [path]: text })).toEqual([]);
  });

  test("refuses more than 400 lines", () => {
    expect(problems({ "core/run/plan.ts": "\n".repeat(400) })).toEqual([]);
    expect(problems({ "core/run/plan.ts": "\n".repeat(401) })).toEqual([
      expect.stringContaining("has 401 lines"),
    ]);
  });
});
