import { expect, test } from "bun:test";
import { join } from "node:path";
import { Sandbox } from "../fixture.ts";
import { CREATED, entries, gitlab, register } from "./register_fixture.ts";

test("register refuses an unknown executor before it asks GitLab", async () => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  const { code, stderr } = await sandbox.run(
    register(server.url, "--token", CREATED, "--executor", "dokcer"),
  );
  expect(code).toBe(1);
  expect(stderr).toContain('Invalid executor specified: "dokcer"');
  expect(server.calls).toEqual([]);
});

test("register refuses an unknown shell before it asks GitLab", async () => {
  await using server = gitlab();
  for (const flags of [["--shell", "fish"], ["--template-config", "t.toml"]]) {
    using sandbox = new Sandbox();
    await Bun.write(join(sandbox.folder, "t.toml"), '[[runners]]\n  shell = "fish"\n');
    const { code, stderr } = await sandbox.run(
      register(server.url, "--token", CREATED, "--executor", "shell", ...flags),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('Invalid shell specified: "fish"; this build has bash, sh');
  }
  expect(server.calls).toEqual([]);
});

test("register writes a shell of GitLab Runner that is not built yet, and says so", async () => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  const { code, stderr } = await sandbox.run(
    register(server.url, "--token", CREATED, "--executor", "shell", "--shell", "pwsh"),
  );
  expect(code).toBe(0);
  expect(stderr).toContain('WARNING: This release does not have the shell "pwsh" yet');
  expect(await entries(sandbox)).toMatchObject([{ executor: "shell", shell: "pwsh" }]);
});

test("register writes an executor of GitLab Runner that is not built yet, and says so", async () => {
  await using server = gitlab();
  using sandbox = new Sandbox();
  const { code, stderr } = await sandbox.run(register(
    server.url,
    ...["--token", CREATED, "--executor", "kubernetes", "--kubernetes-namespace", "ci"],
    ...["--kubernetes-pull-policy", "always,never", "--kubernetes-node-selector", "disk:ssd"],
    ...["--docker-image", "not-for-kubernetes"],
  ));
  expect(code).toBe(0);
  expect(stderr).toContain('WARNING: This release does not have the executor "kubernetes" yet');
  const [entry] = await entries(sandbox);
  expect(entry).toMatchObject({
    executor: "kubernetes",
    kubernetes: {
      namespace: "ci",
      pull_policy: ["always", "never"],
      node_selector: { disk: "ssd" },
    },
  });
  expect(entry).not.toHaveProperty("docker");
});
