import { describe, expect, test } from "bun:test";
import { FakeGitLab } from "./fixture.ts";
import { CREATED, inSandbox, LEGACY, RESET, writeConfig } from "./runner_commands_fixture.ts";

describe("reset-token", () => {
  const reset = () =>
    Response.json({ token: "glrt-new", token_expires_at: "2031-01-01T00:00:00Z" }, { status: 201 });

  test("uses the runner's own token and writes the new one", () =>
    inSandbox(
      { "POST runners/reset_authentication_token": reset },
      async ({ run, server, sandbox }) => {
        const { code, stderr } = await run("reset-token", "--name", "created");
        expect(code).toBe(0);
        expect(server.seen[0]?.body).toEqual({ token: CREATED });
        expect(stderr).toContain(`Updated ${sandbox.configPath}`);
        expect(stderr).not.toContain("glrt-new");
        const text = await sandbox.config();
        expect(text).toContain('token = "glrt-new"');
        expect(text).toMatch(/token_expires_at = 2031-01-01T00:00:00/);
        expect(text).toContain(LEGACY);
        expect(text).not.toContain(CREATED);
      },
    ));

  test("writes the new token where the file has the old one, whatever the case of its keys", () =>
    inSandbox(
      { "POST runners/reset_authentication_token": reset },
      async ({ run, sandbox }) => {
        const before = (await sandbox.config()).replace("token =", "Token =");
        await Bun.write(sandbox.configPath, before);
        expect((await run("reset-token", "--name", "created")).code).toBe(0);
        expect(await sandbox.config()).toContain('Token = "glrt-new"');
      },
    ));

  test("writes the new token down before an interrupt ends it", () =>
    inSandbox({}, async ({ sandbox }) => {
      await using server = new FakeGitLab({
        [RESET]: () => {
          sandbox.signal("SIGINT");
          return reset();
        },
      });
      await writeConfig(sandbox, server.url);
      const { code, stderr } = await sandbox.run([
        "reset-token",
        "--all-runners",
        "-c",
        "config.toml",
      ]);
      expect(code).toBe(1);
      expect(stderr).toContain("FATAL: Interrupted");
      expect(server.calls).toHaveLength(1);
      expect(await sandbox.config()).toContain('token = "glrt-new"');
      expect(await sandbox.config()).toContain(LEGACY);
    }));

  test("says that the new token is lost when its entry has left the file meanwhile", () =>
    inSandbox({}, async ({ sandbox }) => {
      await using server = new FakeGitLab({
        "POST runners/reset_authentication_token": async () => {
          await Bun.write(sandbox.configPath, "concurrent = 1\n");
          return reset();
        },
      });
      await writeConfig(sandbox, server.url);
      const { code, stderr } = await sandbox.run(["reset-token", "-c", "config.toml", "--id", "1"]);
      expect(code).toBe(1);
      expect(stderr).toContain(
        "has no runner with the old one any more; register the runner again",
      );
    }));

  test("--name takes the first of several", () =>
    inSandbox(
      { "POST runners/reset_authentication_token": reset },
      async ({ run, server, sandbox }) => {
        await Bun.write(sandbox.configPath, (await sandbox.config()).replace("legacy", "created"));
        const { code, stderr } = await run("reset-token", "--name", "created");
        expect(code).toBe(0);
        expect(stderr).toContain('2 runners have the name "created"; only the first is taken');
        expect(server.seen.map(({ body }) => body["token"])).toEqual([CREATED]);
      },
    ));

  test("--pat goes to the runner's id", () =>
    inSandbox(
      { "POST runners/2/reset_authentication_token": reset },
      async ({ run, server }) => {
        const { code } = await run("reset-token", "--id", "2", "--pat", "glpat-1");
        expect(code).toBe(0);
        expect(server.seen[0]?.headers.get("private-token")).toBe("glpat-1");
        expect(server.seen[0]?.body).toEqual({});
      },
    ));

  test("keeps the old token when GitLab refuses, and tries the others", () =>
    inSandbox({
      "POST runners/reset_authentication_token": ({ body }) =>
        body["token"] === LEGACY ? reset() : new Response("{}", { status: 403 }),
    }, async ({ run, sandbox }) => {
      const { code, stderr } = await run("reset-token", "--all-runners");
      expect(code).toBe(1);
      expect(stderr).toContain("ERROR: Resetting runner authentication token... forbidden");
      const text = await sandbox.config();
      expect(text).toContain(CREATED);
      expect(text).not.toContain(LEGACY);
    }));

  test("needs to know which runner", () =>
    inSandbox({}, async ({ run }) => {
      expect((await run("reset-token")).code).toBe(1);
    }));
});
