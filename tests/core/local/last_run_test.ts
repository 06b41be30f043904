import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigurationError } from "../../../core/errors.ts";
import { loadLastRun, saveLastRun } from "../../../core/local/last_run.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

test("loadLastRun() has what saveLastRun() was given", () => {
  using directory = temporaryDirectory();
  const run = { open: ["test"], past: [{ name: "build", dotenv: { A: "1" }, artifacts: [] }] };
  saveLastRun(directory.path, run);
  expect(loadLastRun(directory.path)).toEqual(run);
});

test.each([undefined, "", "{", "[]"])("loadLastRun() has no run for %p", (content) => {
  using directory = temporaryDirectory();
  if (content !== undefined) writeFileSync(join(directory.path, "last-run.json"), content);
  expect(() => loadLastRun(directory.path)).toThrow(ConfigurationError);
});
