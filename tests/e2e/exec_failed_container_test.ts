/** What `exec` leaves of a job that failed in a container, for people to look at. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeImage, type TestEngine } from "../executors/docker/dockerd.ts";
import { onEachEngine } from "../executors/docker/engines.ts";
import { ExecLab, ofType } from "./exec_lab.ts";
import { digestOf, removeVolumes } from "./exec_volumes.ts";
import { TerminalLab } from "./terminal_lab.ts";

onEachEngine("exec of failing jobs", suite);

function suite(_name: string, use: () => Promise<TestEngine>): void {
  let daemon: TestEngine;
  let image: string;

  beforeAll(async () => {
    daemon = await use();
    image = await makeImage("busybox.sh", daemon.host);
  }, 60_000);
  afterAll(async () => await daemon?.[Symbol.asyncDispose]());

  function openLab(user: string): ExecLab {
    const lab = new ExecLab({
      ".gitlab-ci.yml": `
breaks:
  variables: {GIT_STRATEGY: none, GREETING: hello}
  image: {name: "${image}", pull_policy: never, docker: {user: "${user}"}}
  script: [echo made > /tmp/made.txt, test -f $FILE, "false"]
other: {script: [echo "other ran"]}
`,
      ".runner-exec.toml": 'variables = { FILE = { value = "content", file = true } }\n',
    });
    lab.env["DOCKER_HOST"] = daemon.host;
    return lab;
  }

  function docker(lab: ExecLab, ...args: readonly string[]): string {
    const { stdout } = Bun.spawnSync(["docker", ...args], { env: lab.env });
    return stdout.toString().trim();
  }

  test.each(["root", "nobody"])(
    "exec --shell-on-failure enters the container of %s",
    async (user) => {
      using lab = openLab(user);
      await using terminal = new TerminalLab(lab, "--shell-on-failure", "--no-color");
      await terminal.until("(breaks) ");
      expect(terminal.text).toContain("breaks failed: exit code 1\r\n$ false\r\nThis shell has");
      terminal.type("echo got-$GREETING $(cat /tmp/made.txt) $(cat $FILE) $(id -un)\n");
      await terminal.until(`got-hello made content ${user}`);
      // Ctrl-C is the shell's, and the script with the job's secrets is no file any more.
      // What is interrupted has begun when it says so: before, the key would be the shell's.
      terminal.type("ls $(dirname $FILE); sh -c 'echo at-$((1 + 1)); exec sleep 1000'\n");
      await terminal.until("at-2");
      expect(terminal.text).toContain("FILE\r\n");
      expect(terminal.text).not.toContain("shell\r\n");
      const prompts = () => terminal.text.split("(breaks) ").length;
      const count = prompts();
      terminal.type("\x03");
      await terminal.until(() => prompts() > count);
      terminal.type("exit 7\n");
      await terminal.until("other ran");
      expect(await terminal.exited).toBe(1);
      expect(lab.processes()).toEqual([]);
      removeVolumes(lab);
    },
    60_000,
  );

  test(
    "exec --shell-on-failure enters another container where an entrypoint has ended the job's own",
    async () => {
      using lab = new ExecLab({
        ".gitlab-ci.yml": `
breaks:
  variables: {GIT_STRATEGY: none, GREETING: hello}
  image: {name: "${image}", entrypoint: [/bin/busybox, env, BY=entrypoint], pull_policy: never}
  script: [echo made > made.txt, echo far > /tmp/far.txt, test $BY = entrypoint, "false"]
`,
      });
      lab.env["DOCKER_HOST"] = daemon.host;
      await using terminal = new TerminalLab(lab, "--shell-on-failure", "--no-color");
      await terminal.until("(breaks) ");
      expect(terminal.text).toContain(
        "What the job has changed outside of its volumes is not in it",
      );
      terminal.type("echo got-$GREETING $(cat made.txt) $(test -e /tmp/far.txt || echo no-more)\n");
      await terminal.until("got-hello made no-more");
      terminal.type("exit\n");
      expect(await terminal.exited).toBe(1);
      expect(docker(lab, "ps", "-aq", "--filter", `name=${digestOf(lab)}`)).toBe("");
      removeVolumes(lab);
    },
    60_000,
  );

  test(
    "exec --keep leaves the container until the next run, and tells how to enter it",
    async () => {
      using lab = openLab("root");
      const { events } = await lab.events("breaks", "--keep");
      const [kept] = ofType(events, "job.kept");
      const container = kept?.container ?? "";
      expect(docker(lab, "exec", container, "cat", "/tmp/made.txt")).toBe("made");
      // File variables may be secrets.
      expect(docker(lab, "exec", container, "find", "/builds", "-name", "FILE")).toBe("");
      const enter = kept?.enter?.replace(" -it ", " -i ") ?? "";
      const entered = Bun.spawnSync(["sh", "-c", `echo pwd | ${enter}`], { env: lab.env });
      expect(entered.stdout.toString().trim()).toBe(kept?.path ?? "");

      const again = await lab.run("breaks", "--keep");
      expect(docker(lab, "ps", "-aq", "--filter", `name=${container}`)).toBe("");
      const remove = /or by (docker rm .+)$/m.exec(again.stdout)?.[1] ?? "";
      const label = /label=(\S+)\)/.exec(remove)?.[1] ?? "";
      const left = () => docker(lab, "ps", "-aq", "--filter", `label=${label}`).split("\n");
      expect(left()).toHaveLength(1);
      Bun.spawnSync(["sh", "-c", remove], { env: lab.env });
      expect(left()).toEqual([""]);
      await lab.run("breaks");
      removeVolumes(lab);
    },
    60_000,
  );
}
