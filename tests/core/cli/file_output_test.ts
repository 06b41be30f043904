import { expect, test } from "bun:test";
import { join } from "node:path";

const MODULE = join(import.meta.dirname, "../../../core/cli/file_output.ts");

test("fileOutput() hands all of a long text to a slow reader before the process exits", async () => {
  const code = `import { fileOutput } from ${JSON.stringify(MODULE)};
    fileOutput(1, () => ({})).write("x".repeat(300_000) + "end");
    process.exit(0);`;
  const child = Bun.spawn(["sh", "-c", '"$0" -e "$1" | (sleep 0.1; cat)', process.execPath, code], {
    stdout: "pipe",
  });
  const text = await new Response(child.stdout).text();
  expect(text.length).toBe(300_003);
  expect(text.endsWith("end")).toBe(true);
});

test("fileOutput() goes on when the reader has gone", async () => {
  const code = `import { fileOutput } from ${JSON.stringify(MODULE)};
    fileOutput(1, () => ({})).write("x".repeat(300_000));
    fileOutput(2, () => ({})).write("alive");`;
  const child = Bun.spawn(["sh", "-c", '"$0" -e "$1" | true', process.execPath, code], {
    stderr: "pipe",
  });
  expect(await new Response(child.stderr).text()).toBe("alive");
});
