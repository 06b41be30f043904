import { expect, test } from "bun:test";
import { runSingleCommand } from "../../../core/cli/commands/run_single.ts";
import type { SingleOptions } from "../../../core/runner/single.ts";
import { runCommand } from "../../../core/cli/run_command.ts";
import { Sandbox } from "./fixture.ts";

/** What the command asks for, or the code and log of its refusal. */
async function runSingle(sandbox: Sandbox, args: readonly string[]) {
  let asked: SingleOptions | undefined;
  const command = runSingleCommand((options) => {
    asked = options;
    return Promise.resolve(7);
  });
  const entry = { name: "run-single", group: "Run jobs:", summary: "Take jobs for one runner" };
  const program = sandbox.program();
  const code = await runCommand(entry, command, { args, suspicious: [], program });
  return { code, asked };
}

const byFlags = ["--url", "http://127.0.0.1:1", "--token", "secret-token", "--executor", "docker"];

test("run-single makes a runner of its flags", async () => {
  using sandbox = new Sandbox();
  const { code, asked } = await runSingle(sandbox, [
    ...byFlags,
    ...["--docker-image", "alpine", "--wait-timeout", "5", "--max-builds=2", "--limit", "3"],
  ]);
  expect(code).toBe(7);
  expect(asked?.runner).toMatchObject({
    url: "http://127.0.0.1:1",
    executor: "docker",
    limit: 3,
    docker: { image: "alpine" },
  });
  expect(asked?.runner.token.reveal()).toBe("secret-token");
  expect([asked?.maxBuilds, asked?.waitTimeoutMs]).toEqual([2, 5000]);
  expect(asked?.systemId).toMatch(/^[sr]_[0-9a-zA-Z]{12}$/);
});

test("run-single goes on for ever unless it is told otherwise", async () => {
  using sandbox = new Sandbox();
  const { asked } = await runSingle(sandbox, [...byFlags, "--max-builds", "-1"]);
  expect([asked?.maxBuilds, asked?.waitTimeoutMs]).toEqual([0, 0]);
});

test("run-single takes a runner from the file by its name", async () => {
  using sandbox = new Sandbox();
  await Bun.write(
    sandbox.configPath,
    ["a", "b"].map((name) =>
      `[[runners]]\nname = "${name}"\nurl = "http://${name}"\ntoken = "t"\nexecutor = "shell"\n`
    ).join(""),
  );
  const { asked } = await runSingle(sandbox, ["-c", "config.toml", "-r", "b"]);
  expect(asked?.runner.url).toBe("http://b");
  const { code } = await runSingle(sandbox, ["-c", "config.toml", "-r", "c"]);
  expect(code).toBe(1);
  expect(sandbox.stderr).toContain('has the name "c"');
});

test("run-single names the flags that are missing", async () => {
  using sandbox = new Sandbox();
  const { code, asked } = await runSingle(sandbox, ["--executor", "shell"]);
  expect([code, asked]).toEqual([1, undefined]);
  expect(sandbox.stderr).toContain("FATAL: Give --url, --token, or --runner");
});
