import { describe, expect, test } from "bun:test";
import { FakeGitLab, Sandbox } from "./fixture.ts";
import { CREATED, inSandbox, LEGACY, RESET, writeConfig } from "./runner_commands_fixture.ts";

const only = (token: string) => ({ body }: { body: Record<string, unknown> }) =>
  body["token"] === token
    ? Response.json({ id: 1, token, token_expires_at: null })
    : Response.json({ message: "403 Forbidden" }, { status: 403 });

describe("verify", () => {
  test("tells both kinds of token apart", () =>
    inSandbox({ "POST runners/verify": () => Response.json({ id: 1 }) }, async ({ run }) => {
      const { code, stderr } = await run("verify");
      expect(code).toBe(0);
      expect(stderr).toMatch(/Verifying runner\.\.\. is valid +runner=created01/);
      expect(stderr).toMatch(/Verifying runner\.\.\. is alive +runner=legacy-to/);
    }));

  test("fails for a runner that is gone and leaves the file alone", () =>
    inSandbox({ "POST runners/verify": only(LEGACY) }, async ({ run, sandbox }) => {
      const before = await sandbox.config();
      const { code, stderr } = await run("verify");
      expect(code).toBe(1);
      expect(stderr).toContain("ERROR: Verifying runner... is not valid");
      expect(stderr).toContain("FATAL: Failed to verify runners");
      expect(await sandbox.config()).toBe(before);
    }));

  test("--delete removes what GitLab does not know", () =>
    inSandbox({ "POST runners/verify": only(CREATED) }, async ({ run, sandbox }) => {
      const { code, stderr } = await run("verify", "--delete");
      expect(code).toBe(0);
      expect(stderr).toContain("ERROR: Verifying runner... is removed");
      expect(stderr).toContain(`Updated ${sandbox.configPath}`);
      const text = await sandbox.config();
      expect(text).toContain("# keep me");
      expect(text).toContain(CREATED);
      expect(text).not.toContain(LEGACY);
    }));

  test("--delete keeps runners whose GitLab is in trouble", () =>
    inSandbox({
      "POST runners/verify": ({ body }) =>
        body["token"] === CREATED
          ? new Response("", { status: 422 })
          : Response.json({ message: "403 Forbidden" }, { status: 403 }),
    }, async ({ run, sandbox }) => {
      const { code, stderr } = await run("verify", "--delete");
      expect(code).toBe(1);
      expect(stderr).toContain("ERROR: Verifying runner... failed");
      const text = await sandbox.config();
      expect(text).toContain(CREATED);
      expect(text).not.toContain(LEGACY);
    }));

  test("narrows by name, url and token, not by variables", () =>
    inSandbox(
      { "POST runners/verify": () => Response.json({ id: 1 }) },
      async ({ run, server, sandbox }) => {
        await run("verify", "--name", "legacy");
        await run("verify", "-t", CREATED);
        expect(server.seen.map(({ body }) => body["token"])).toEqual([LEGACY, CREATED]);
        await sandbox.run(["verify", "-c", "config.toml"], { env: { CI_SERVER_URL: "http://x" } });
        expect(server.seen).toHaveLength(4);
        // The liveness probe of GitLab's Helm chart asks like this.
        expect((await run("verify", "--url=")).code).toBe(0);
        expect(server.seen).toHaveLength(6);
        const { code, stderr } = await run("verify", "--url", "http://elsewhere");
        expect(code).toBe(1);
        expect(stderr).toContain("FATAL: No runner in");
      },
    ));
});

describe("unregister", () => {
  const gone = () => new Response(null, { status: 204 });

  test("--all-runners deletes managers and runners", () =>
    inSandbox(
      { "DELETE runners": gone, "DELETE runners/managers": gone },
      async ({ run, server, sandbox }) => {
        const { code, stderr } = await run("unregister", "--all-runners");
        expect(code).toBe(0);
        expect(server.calls).toEqual(["DELETE runners/managers", "DELETE runners"]);
        expect(server.seen[0]?.body["system_id"]).toMatch(/^[sr]_/);
        expect(stderr).toContain("Unregistering runner manager from GitLab succeeded");
        expect(stderr).toContain("Unregistering runner from GitLab succeeded");
        expect(stderr).toContain(`Updated ${sandbox.configPath}`);
        expect(await sandbox.config()).not.toContain("[[runners]]");
      },
    ));

  test("takes out of the file what GitLab has deleted before an interrupt", () =>
    inSandbox({}, async ({ sandbox }) => {
      const interruptThenDelete = () => {
        sandbox.signal("SIGINT");
        return gone();
      };
      await using server = new FakeGitLab({ "DELETE runners/managers": interruptThenDelete });
      await writeConfig(sandbox, server.url);
      const { code, stderr } = await sandbox.run([
        "unregister",
        "--all-runners",
        "-c",
        "config.toml",
      ]);
      expect(code).toBe(1);
      expect(stderr).toContain("FATAL: Interrupted");
      expect(server.calls).toEqual(["DELETE runners/managers"]);
      expect(await sandbox.config()).not.toContain(CREATED);
      expect(await sandbox.config()).toContain(LEGACY);
    }));

  test("--name keeps the entry when GitLab refuses", () =>
    inSandbox({
      "DELETE runners": () => Response.json({ message: "no" }, { status: 403 }),
    }, async ({ run, sandbox }) => {
      const before = await sandbox.config();
      const { code, stderr } = await run("unregister", "--name", "legacy");
      expect(code).toBe(1);
      expect(stderr).toContain("ERROR: Unregistering runner from GitLab forbidden");
      expect(await sandbox.config()).toBe(before);
    }));

  test("--name takes the first of several, and --token the one that has it", () =>
    inSandbox({ "DELETE runners": gone }, async ({ run, server, sandbox }) => {
      const entry = (token: string) =>
        `[[runners]]\nname = "vm"\nurl = "${server.url}"\ntoken = "${token}"\nexecutor = "shell"\n`;
      await Bun.write(sandbox.configPath, ["one", "two", "three"].map(entry).join(""));
      const { code, stderr } = await run("unregister", "--name", "vm");
      expect(code).toBe(0);
      expect(stderr).toContain('WARNING: 3 runners have the name "vm"; only the first is taken');
      expect(await sandbox.config()).toBe(entry("two") + entry("three"));
      expect((await run("unregister", "--token", "three")).code).toBe(0);
      expect(await sandbox.config()).toBe(entry("two"));
      expect((await run("unregister", "--name", "vm", "--token", "three")).code).toBe(1);
      expect((await run("unregister", "--token", "four")).stderr).toContain(
        "give its --url as well",
      );
      expect(server.seen.map(({ body }) => body["token"])).toEqual(["one", "three"]);
    }));

  test("--url and --token work for a runner that is in no file", () =>
    inSandbox({ "DELETE runners": gone }, async ({ run, server, sandbox }) => {
      const { code } = await run("unregister", "--url", server.url, "--token", "elsewhere-1");
      expect(code).toBe(0);
      expect(server.seen[0]?.body).toEqual({ token: "elsewhere-1" });
      expect(await sandbox.config()).toContain(LEGACY);
    }));

  test("--url and --token remove the entry that has them", () =>
    inSandbox({ "DELETE runners": gone }, async ({ run, server, sandbox }) => {
      await run("unregister", "--url", server.url, "--token", LEGACY);
      expect(await sandbox.config()).not.toContain(LEGACY);
      expect(await sandbox.config()).toContain(CREATED);
    }));

  test("needs to know which runner", () =>
    inSandbox({}, async ({ run, server }) => {
      const { code, stderr } = await run("unregister");
      expect(code).toBe(1);
      expect(stderr).toContain("--all-runners");
      expect(server.calls).toEqual([]);
    }));
});

test("list logs the file and each runner without its whole token", () =>
  inSandbox({}, async ({ run, server, sandbox }) => {
    const { code, stderr } = await run("list");
    expect(code).toBe(0);
    const [, head, created, legacy] = stderr.split("\n");
    expect(head).toBe(
      `${"Listing configured runners".padEnd(50)}  ConfigFile=${sandbox.configPath}`,
    );
    expect(created).toBe(
      `${"created".padEnd(50)}  Executor=shell Token=created01 URL=${server.url}`,
    );
    expect(legacy).toBe(
      `${"legacy".padEnd(50)}  Executor=docker Token=legacy-to URL=${server.url}`,
    );
  }));

for (const command of ["list", "verify", "unregister --all-runners", "reset-token --all-runners"]) {
  test(`${command} finds no runner where there is no file yet, which is no failure`, async () => {
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run([...command.split(" "), "-c", "none.toml"]);
    expect(stderr).toContain('none.toml": the file does not exist');
    expect(stderr).not.toContain("FATAL");
    expect(code).toBe(0);
  });
}

test("verify, unregister and reset-token go on when an entry cannot be used", async () => {
  await using server = new FakeGitLab({
    "POST runners/verify": () => Response.json({ id: 1 }),
    "DELETE runners": () => new Response(null, { status: 204 }),
    [RESET]: () => Response.json({ token: "glrt-new" }, { status: 201 }),
  });
  const entry = (name: string, url: string, token: string) =>
    `[[runners]]\nname = "${name}"\nurl = "${url}"\ntoken = "${token}"\nexecutor = "shell"\n`;
  const broken = entry("wrong", "gitlab", "t") + entry("bare", server.url, "");
  for (
    const [command = "", told] of [
      ["verify --delete", "Verifying runner... client error"],
      ["unregister --all-runners", "Unregistering runner from GitLab client error"],
      ["reset-token --all-runners", "Resetting runner authentication token... client error"],
    ]
  ) {
    using sandbox = new Sandbox();
    await Bun.write(sandbox.configPath, broken + entry("good", server.url, LEGACY));
    const { code, stderr } = await sandbox.run([...command.split(" "), "-c", "config.toml"]);
    expect(code).toBe(1);
    expect(stderr.split(`ERROR: ${told}`)).toHaveLength(3);
    expect(stderr).toContain('Cannot use the coordinator URL "gitlab"');
    expect(stderr).toContain("The runner has no token");
    expect(await sandbox.config()).toStartWith(broken);
  }
  expect(server.calls).toEqual(["POST runners/verify", "DELETE runners", RESET]);
});

describe("lint", () => {
  test("is silent about a good file", () =>
    inSandbox({}, async ({ run }) => {
      const { code, stderr } = await run("lint");
      expect(stderr).toContain("Configuration is valid");
      expect(code).toBe(0);
    }));

  test.each([
    ["unknown keys", "concurent = 2\n", "concurrent"],
    ["wrong types", 'concurrent = "many"\n', "many"],
    ["syntax errors", "concurrent = \n", "config.toml:1"],
    [
      "unknown executors",
      '[[runners]]\nname = "n"\nurl = "http://x"\ntoken = "t"\nexecutor = "dokcer"\n',
      'unknown executor "dokcer"',
    ],
  ])("reports %s", async (_, text, finding) => {
    using sandbox = new Sandbox();
    await Bun.write(sandbox.configPath, text);
    const { code, stderr } = await sandbox.run(["lint", "-c", "config.toml"]);
    expect(code).toBe(1);
    expect(stderr).toContain("ERROR: ");
    expect(stderr).toContain(finding);
  });

  test("needs a file", async () => {
    using sandbox = new Sandbox();
    expect((await sandbox.run(["lint", "-c", "none.toml"])).code).toBe(1);
  });

  test("finds addresses that cannot be used, and only remarks on executors and shells to come", async () => {
    using sandbox = new Sandbox();
    await Bun.write(
      sandbox.configPath,
      'listen_address = ":99999"\n[[runners]]\nname = "k"\nurl = "http://x"\ntoken = "t"\n' +
        'executor = "kubernetes"\n[[runners]]\nname = "p"\nurl = "http://x"\ntoken = "t"\n' +
        'executor = "shell"\nshell = "pwsh"\n',
    );
    const { code, stderr } = await sandbox.run(["lint", "-c", "config.toml"]);
    expect(code).toBe(1);
    expect(stderr).toContain('ERROR: Cannot listen on ":99999"');
    expect(stderr).toContain('WARNING: Runner "k" has the unknown executor "kubernetes"');
    expect(stderr).toContain('WARNING: Runner "p": Unknown shell "pwsh"');
    expect(stderr).toContain("WARNING: runners[p]: it has the URL and token of runners[k];");
    await Bun.write(
      sandbox.configPath,
      (await sandbox.config()).replace('listen_address = ":99999"', ""),
    );
    expect((await sandbox.run(["lint", "-c", "config.toml"])).code).toBe(0);
  });
});
