import { describe, expect, test } from "bun:test";
import { Registry } from "../../../../core/registry.ts";
import { namedExecutor, Sandbox } from "../fixture.ts";
import { CREATED, entries, gitlab, ISSUED, register } from "./register_fixture.ts";

describe("register with a token of a runner created in GitLab", () => {
  test("verifies it and writes an entry with the docker defaults", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(register(
      server.url,
      ...["--token", CREATED, "--executor", "docker", "--docker-image", "alpine:3.22"],
      ...["--docker-volumes", "/srv:/srv", "--docker-volumes=/etc/x:/etc/x:ro", "--limit", "1"],
      ...["--docker-privileged", "--docker-tlsverify=false", "--docker-sysctls", "a.b:c:d"],
      ...["--docker-pull-policy", "always,if-not-present", "--feature-flags", "FF_X:true"],
      ...["--description", "my runner"],
    ));
    expect(stderr).not.toContain("ERROR");
    expect(code).toBe(0);
    const [entry] = await entries(sandbox);
    expect(entry).toMatchObject({
      name: "my runner",
      url: server.url,
      id: 12,
      token: CREATED,
      executor: "docker",
      limit: 1,
      feature_flags: { FF_X: true },
      docker: {
        image: "alpine:3.22",
        privileged: true,
        tls_verify: false,
        disable_entrypoint_overwrite: false,
        oom_kill_disable: false,
        disable_cache: false,
        shm_size: 0,
        network_mtu: 0,
        volumes: ["/srv:/srv", "/etc/x:/etc/x:ro", "/cache"],
        pull_policy: ["always", "if-not-present"],
        sysctls: { "a.b": "c:d" },
      },
    });
    expect(new Date(String(entry?.["token_expires_at"])).toISOString()).toBe(
      "2030-01-02T03:04:05.000Z",
    );
    expect(Math.abs(new Date(String(entry?.["token_obtained_at"])).getTime() - Date.now()))
      .toBeLessThan(10_000);
    expect(server.calls).toEqual(["POST runners/verify"]);
    expect(server.seen[0]?.body["system_id"]).toMatch(/^[sr]_[0-9a-zA-Z]{12}$/);
    expect(stderr).toContain("Verifying runner... is valid");
    expect(stderr).toContain(
      "Runner registered successfully. Feel free to start it, but if it's running already the " +
        "config should be automatically reloaded!",
    );
    expect(stderr).toContain(
      `Configuration (with the authentication token) was saved in "${sandbox.configPath}"`,
    );
    expect(stderr).not.toContain(CREATED);
  });

  test("takes values from variables, and flags before them", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code } = await sandbox.run(["register", "-n", "--executor", "shell"], {
      env: {
        CONFIG_FILE: sandbox.configPath,
        CI_SERVER_URL: server.url,
        CI_SERVER_TOKEN: CREATED,
        RUNNER_EXECUTOR: "docker",
        RUNNER_NAME: "from env",
        DOCKER_IMAGE: "ignored:1",
        RUNNER_LIMIT: "",
      },
    });
    expect(code).toBe(0);
    const [entry] = await entries(sandbox);
    expect(entry).toMatchObject({ name: "from env", executor: "shell" });
    expect(entry).not.toHaveProperty("docker");
    expect(entry).not.toHaveProperty("limit");
  });

  test("refuses settings that GitLab keeps, before it asks GitLab", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(register(
      server.url,
      ...["--token", CREATED, "--executor", "shell", "--tag-list", "a,b", "--locked=false"],
    ));
    expect(code).toBe(1);
    expect(stderr).toContain(
      "FATAL: A runner authentication token goes without --tag-list, --locked",
    );
    expect(server.calls).toEqual([]);
  });

  test("takes such settings when they ask for no more than the default", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(register(
      server.url,
      ...["--token", CREATED, "--executor", "shell", "--locked", "--paused=false", "--tag-list="],
      ...[
        "--run-untagged=false",
        "--maximum-timeout=0",
        "--maintenance-note",
        "",
        "--access-level=",
      ],
    ));
    expect(stderr).not.toContain("FATAL");
    expect(code).toBe(0);
  });

  test("ignores those settings with a warning behind --registration-token", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(register(
      server.url,
      ...["--registration-token", CREATED, "--executor", "shell", "--tag-list", "a,b"],
    ));
    expect(code).toBe(0);
    expect(stderr).toContain("ignored: --tag-list");
    expect(server.calls).toEqual(["POST runners/verify"]);
  });

  test("warns when the token is in the file already", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const line = register(server.url, "--token", CREATED, "--executor", "shell");
    await sandbox.run(line);
    const { stderr } = await sandbox.run(line);
    expect(stderr).toContain(
      "WARNING: A runner with this system ID and token has already been registered.",
    );
    expect(await entries(sandbox)).toHaveLength(2);
  });

  test.each([
    [
      "a wrong token",
      { "POST runners/verify": () => new Response("{}", { status: 403 }) },
      "is not valid",
    ],
    [
      "a URL that is not GitLab's",
      { "POST runners/verify": () => new Response("<html>hello</html>") },
      "does not seem to be a GitLab",
    ],
    [
      "a URL without an API",
      { "POST runners/verify": () => new Response("", { status: 404 }) },
      "404",
    ],
  ])("fails clearly for %s", async (_, answers, text) => {
    await using server = gitlab(answers);
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(
      register(server.url, "--token", CREATED, "--executor", "shell"),
    );
    expect(code).toBe(1);
    expect(stderr).toContain(text);
    expect(stderr).toContain("FATAL: Failed to verify the runner.");
    expect(await Bun.file(sandbox.configPath).exists()).toBe(false);
  });

  test("fails clearly when nobody answers", async () => {
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(
      register("http://127.0.0.1:1", "--token", CREATED, "--executor", "shell"),
    );
    expect(code).toBe(1);
    expect(stderr).toContain("FATAL: Failed to verify the runner.");
  });
});

describe("register with a registration token", () => {
  const legacy = ["--registration-token", "reg-secret", "--executor", "shell"];

  test("registers a runner with all its settings", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(register(
      server.url,
      ...legacy,
      ...["--name", "old", "--tag-list", "a,b", "--run-untagged", "--locked=false", "--paused"],
      ...["--access-level", "ref_protected", "--maximum-timeout", "600"],
      ...["--maintenance-note", "hands off"],
    ));
    expect(code).toBe(0);
    expect(server.seen[0]?.body).toMatchObject({
      token: "reg-secret",
      description: "old",
      tag_list: "a,b",
      run_untagged: true,
      locked: false,
      paused: true,
      access_level: "ref_protected",
      maximum_timeout: 600,
      maintenance_note: "hands off",
    });
    expect(stderr).toContain("Registering runner... succeeded");
    expect((await entries(sandbox))[0]).toMatchObject({ id: 34, token: ISSUED, name: "old" });
  });

  test("locks the runner and runs untagged jobs when nothing is said", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    await sandbox.run(register(server.url, ...legacy));
    expect(server.seen[0]?.body).toMatchObject({ locked: true, run_untagged: true, paused: false });
    expect(server.seen[0]?.body["description"]).toBe("build-host");
  });

  test("refuses an unknown access level before it asks GitLab", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(
      register(server.url, ...legacy, "--access-level", "all"),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('Invalid value "all" for --access-level');
    expect(server.calls).toEqual([]);
  });

  test.each([
    ["403", "Registering runner... forbidden (check registration token)"],
    ["410", "create the runner in GitLab and use its authentication token"],
  ])("explains a %s", async (status, text) => {
    await using server = gitlab({
      "POST runners": () => Response.json({ message: "no" }, { status: Number(status) }),
    });
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(register(server.url, ...legacy));
    expect(code).toBe(1);
    expect(stderr).toContain(text);
  });
});

test("register only verifies another kind of token behind --token", async () => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  const { code, stderr } = await sandbox.run(
    register(server.url, "--token", "plain-token-123", "--executor", "shell"),
  );
  expect(code).toBe(0);
  expect(server.calls).toEqual(["POST runners/verify"]);
  expect(stderr).toContain("If you want to register use the '-r' instead of '-t'.");
});

test.each([
  [["--token", CREATED, "--executor", "shell"], "give --url"],
  [["--url", "http://127.0.0.1:1", "--executor", "shell"], "give the token it shows with --token"],
])("register --non-interactive names what is missing: %p", async (flags, missing) => {
  using sandbox = new Sandbox();
  const { code, stderr } = await sandbox.run(["register", "-c", "config.toml", "-n", ...flags]);
  expect(code).toBe(1);
  expect(stderr).toContain(missing);
});

test("register fills in from a template what is left unset", async () => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  await Bun.write(
    `${sandbox.folder}/template.toml`,
    `[[runners]]
  token = "not-this"
  limit = 9
  environment = ["A=1"]
  [runners.docker]
    image = "template:1"
    memory = "1g"
    volumes = ["/from:/template"]
    [[runners.docker.services]]
      name = "postgres:17"
  [runners.kubernetes]
    namespace = "gone"
`,
  );
  const { code } = await sandbox.run(register(
    server.url,
    ...["--token", CREATED, "--executor", "docker", "--template-config", "template.toml"],
    ...["--docker-memory", "2g", "--env", "B=2", "--docker-volumes", "/own:/own"],
  ));
  expect(code).toBe(0);
  const [entry] = await entries(sandbox);
  expect(entry).toMatchObject({
    token: CREATED,
    limit: 9,
    environment: ["B=2", "A=1"],
    docker: {
      image: "template:1",
      memory: "2g",
      volumes: ["/own:/own", "/from:/template", "/cache"],
      services: [{ name: "postgres:17" }],
    },
  });
  expect(entry).not.toHaveProperty("kubernetes");
});

test("register refuses a template with two entries", async () => {
  using sandbox = new Sandbox();
  await Bun.write(`${sandbox.folder}/template.toml`, "[[runners]]\n[[runners]]\n");
  const { code, stderr } = await sandbox.run(
    register("http://127.0.0.1:1", "--token", CREATED, "--template-config", "template.toml"),
  );
  expect(code).toBe(1);
  expect(stderr).toContain("exactly one [[runners]] entry");
});

test("register twice at once keeps both entries", async () => {
  await using server = gitlab();
  using one = new Sandbox();
  using two = new Sandbox();
  const line = (name: string) => [
    ...["register", "-n", "-c", one.configPath, "-u", server.url, "-r", "reg"],
    ...["--executor", "shell", "--name", name],
  ];
  const runs = await Promise.all([one.run(line("first")), two.run(line("second"))]);
  expect(runs.map(({ code }) => code)).toEqual([0, 0]);
  const names = (await entries(one)).map(({ name }) => name);
  expect(names.toSorted()).toEqual(["first", "second"]);
});

test("register stops at a broken configuration before GitLab knows of the runner", async () => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  await Bun.write(sandbox.configPath, "concurrent = \n");
  const { code } = await sandbox.run(register(server.url, "-r", "reg", "--executor", "shell"));
  expect(code).toBe(1);
  expect(server.calls).toEqual([]);
  expect(await sandbox.config()).toBe("concurrent = \n");
});

test("register adds no cache volume to a docker entry without a cache", async () => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  const flags = ["--token", CREATED, "--executor", "docker", "--docker-image", "i"];
  await sandbox.run(register(server.url, ...flags, "--docker-disable-cache"));
  const [entry] = await entries(sandbox);
  expect(entry).toMatchObject({ docker: { disable_cache: true } });
  expect(entry?.["docker"]).not.toHaveProperty("volumes");
});

test("register on Windows writes the shell and the cache folder of Windows", async () => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  const executors = () =>
    Promise.resolve(new Registry("executor", ["shell", "docker-windows"].map(namedExecutor)));
  const line = (executor: string) =>
    register(server.url, "--token", CREATED, "--executor", executor, "--docker-image", "i");
  await sandbox.run(line("shell"), { platform: "win32", executors });
  await sandbox.run(line("docker-windows"), { platform: "win32", executors });
  const [shell, docker] = await entries(sandbox);
  expect(shell).toMatchObject({ shell: "pwsh" });
  expect(docker).toMatchObject({ shell: "pwsh", docker: { volumes: ["c:\\cache"] } });
});
