import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { openScript } from "../../../core/util/script_input.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

test("openScript() leaves nothing of a script that could not be written", () => {
  using directory = temporaryDirectory();
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = directory.path;
  try {
    const invocation = { script: { kind: "file", extension: "no/such" } } as const;
    const command = { stage: "step_script", script: "echo secret", invocation };
    expect(() => openScript(command, { directory: directory.path }))
      .toThrow("Cannot write the script");
    expect(readdirSync(directory.path)).toEqual([]);
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
});
