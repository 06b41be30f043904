import { describe, expect, test } from "bun:test";
import { Sandbox, typed } from "../fixture.ts";
import { CREATED, entries, gitlab, ISSUED, register } from "./register_fixture.ts";

test.each([
  [["--token", CREATED], "--executor"],
  [["--token", CREATED, "--executor", "docker"], "--docker-image"],
  [["--registration-token", "reg-secret", "--executor", "docker"], "--docker-image"],
])("register -n finds what is missing before it asks GitLab: %p", async (flags, missing) => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  const { code, stderr } = await sandbox.run(register(server.url, ...flags));
  expect(code).toBe(1);
  expect(stderr).toContain(`give ${missing}`);
  expect(server.calls).toEqual([]);
});

describe("register that ends before its last question", () => {
  const args = ["register", "-c", "config.toml", "--token", CREATED, "--executor", "docker"];
  // URL, name and executor; the input ends before the image.
  const stdin = () => typed("\n".repeat(3));

  test("takes this manager back at GitLab", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code } = await sandbox.run([...args, "-u", server.url], { stdin: stdin() });
    expect(code).toBe(1);
    expect(server.calls).toEqual(["POST runners/verify", "DELETE runners/managers"]);
  });

  test("leaves a manager alone that another entry of the file needs", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    await sandbox.run(register(server.url, "--token", CREATED, "--executor", "shell"));
    const { code } = await sandbox.run([...args, "-u", server.url], { stdin: stdin() });
    expect(code).toBe(1);
    expect(server.calls).toEqual(["POST runners/verify", "POST runners/verify"]);
    expect(await entries(sandbox)).toHaveLength(1);
  });
});

describe("register with a registration token that ends before its last question", () => {
  const legacyDocker = ["--registration-token", "reg-secret", "--executor", "docker"];

  test("takes the runner back when a later step fails", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code } = await sandbox.run(
      ["register", "-c", "config.toml", "-u", server.url, ...legacyDocker],
      // URL, token, description, tags, note, executor; the input ends before the image.
      { stdin: typed("\n".repeat(6)) },
    );
    expect(code).toBe(1);
    expect(sandbox.stderr).toContain("Enter the default Docker image");
    expect(server.calls).toEqual(["POST runners", "DELETE runners"]);
    expect(server.seen[1]?.body).toEqual({ token: ISSUED });
    expect(await Bun.file(sandbox.configPath).exists()).toBe(false);
  });

  test("leaves the runner with --leave-runner", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code } = await sandbox.run(
      ["register", "-c", "config.toml", "-u", server.url, ...legacyDocker, "--leave-runner"],
      { stdin: typed("\n".repeat(6)) },
    );
    expect(code).toBe(1);
    expect(server.calls).toEqual(["POST runners"]);
  });
});
