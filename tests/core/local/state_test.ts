import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { openLocalState } from "../../../core/local/state.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

test("openLocalState() keeps the logs of the last runs, and of all that are under way", async () => {
  using directory = temporaryDirectory();
  const options = { root: "/tree", directory: directory.path, home: "/", env: {} };
  using first = openLocalState(options);
  const source = JSON.stringify(`${import.meta.dirname}/../../../core/local/state.ts`);
  const code = `import { openLocalState } from ${source};
    using state = openLocalState(${JSON.stringify(options)});
    console.log(state.run);`;
  const ended: string[] = [];
  for (let run = 0; run < 12; run++) {
    const program = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
    ended.push((await program.stdout.text()).trim());
    await program.exited;
  }
  expect(existsSync(first.run)).toBe(true);
  expect(ended.filter(existsSync)).toEqual(ended.slice(-11));
});
