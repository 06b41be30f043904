import { describe, expect, test } from "bun:test";
import { Sandbox, typed } from "../fixture.ts";
import { CREATED, entries, gitlab, ISSUED } from "./register_fixture.ts";

describe("register with prompts", () => {
  const interactive = ["register", "-c", "config.toml"];

  test("asks in GitLab Runner's order and words", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(interactive, {
      stdin: typed(`${server.url}\nreg-secret\nmy box\nlinux,fast\nnote\ndocker\nruby:3.3\n`),
    });
    expect(code).toBe(0);
    const prompts = stderr.split("\n").filter((line) => /^(Enter|\[)/.test(line))
      .map((line) => line.replace(/^\[[^\]]*\]: /, ""));
    expect(prompts.filter((line) => line.startsWith("Enter"))).toEqual([
      "Enter the GitLab instance URL (for example, https://gitlab.com/):",
      "Enter the registration token:",
      "Enter a description for the runner:",
      "Enter tags for the runner (comma-separated):",
      "Enter optional maintenance note for the runner:",
      "Enter an executor: shell, docker, ssh, virtualbox:",
      "Enter the default Docker image (for example, ruby:3.3):",
    ]);
    expect(server.seen[0]?.body).toMatchObject({
      description: "my box",
      tag_list: "linux,fast",
      maintenance_note: "note",
    });
    expect((await entries(sandbox))[0]).toMatchObject({
      executor: "docker",
      docker: { image: "ruby:3.3" },
    });
  });

  test("asks for a name after an authentication token, and offers the host's", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(interactive, {
      stdin: typed(`${server.url}\r\n${CREATED}\r\n\r\nshell`),
    });
    expect(code).toBe(0);
    expect(stderr).toContain(
      "Enter a name for the runner. This is stored only in the local config.toml file:\n[build-host]: ",
    );
    expect(stderr).not.toContain("Enter tags");
    expect((await entries(sandbox))[0]).toMatchObject({ name: "build-host", executor: "shell" });
  });

  test("repeats a question that is not answered and an executor that does not exist", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run([...interactive, "--token", CREATED], {
      stdin: typed(`\n \n${server.url}\n\nbogus\n\nshell\n`),
    });
    expect(code).toBe(0);
    expect(stderr.split("Enter the GitLab instance URL").length - 1).toBe(3);
    expect(stderr.split("Enter an executor").length - 1).toBe(3);
    expect(stderr).toContain("ERROR: Invalid executor specified");
  });

  test("asks for what ssh needs", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    const { code } = await sandbox.run(
      [...interactive, "--token", CREATED, "--url", server.url, "--name", "n"],
      { stdin: typed("\n\nssh\nexample.com\n2222\nroot\nhunter2\n\n") },
    );
    expect(code).toBe(0);
    expect(sandbox.stderr).not.toContain("hunter2");
    expect((await entries(sandbox))[0]).toMatchObject({
      ssh: { host: "example.com", port: "2222", user: "root", password: "hunter2" },
    });
  });

  test("asks for the VM and the login of virtualbox", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    await sandbox.run(
      [...interactive, "--token", CREATED, "--url", server.url, "--name", "n"],
      { stdin: typed("\n\nvirtualbox\nmy-vm\nroot\n\n/key\n") },
    );
    expect(sandbox.stderr).toContain("Enter the VirtualBox VM (for example, my-vm):");
    expect((await entries(sandbox))[0]).toMatchObject({
      virtualbox: { base_name: "my-vm" },
      ssh: { user: "root", identity_file: "/key" },
    });
  });

  test("never shows a token it was given", async () => {
    await using server = gitlab();
    using sandbox = new Sandbox();
    await sandbox.run([...interactive, "-r", "reg-secret", "-u", server.url], {
      stdin: typed("\n\n\n\n\nshell\n"),
    });
    expect(sandbox.stderr).toContain("Enter the registration token:\n[hidden]: ");
    expect(sandbox.stderr).not.toContain("reg-secret");
    expect(server.seen[0]?.body["token"]).toBe("reg-secret");
  });

  test("fails when the input ends", async () => {
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(interactive, { stdin: typed("") });
    expect(code).toBe(1);
    expect(stderr).toContain("FATAL: Input ended before");
  });

  test("takes the runner back when it is interrupted", async () => {
    await using server = gitlab({
      "POST runners": () => {
        setTimeout(() => sandbox.signal("SIGINT"), 20);
        return Response.json({ id: 34, token: ISSUED }, { status: 201 });
      },
    });
    using sandbox = new Sandbox();
    const { code, stderr } = await sandbox.run(interactive, {
      stdin: typed(`${server.url}\nreg-secret\n\n\n\n`, "stays open"),
    });
    expect(code).toBe(1);
    expect(stderr).toContain("FATAL: Interrupted");
    expect(server.calls).toEqual(["POST runners", "DELETE runners"]);
    expect(sandbox.listeners.get("SIGINT")?.size).toBe(0);
  });
});
