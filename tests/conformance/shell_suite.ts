/** The contract of a shell, as cases that run its scripts through a real program. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { ScriptOp } from "../../core/shell.ts";
import { PLAIN, runOps, type ShellUnderTest } from "./run_ops.ts";

const user = (code: string, text?: string): ScriptOp => ({
  kind: "user-command",
  code,
  ...(text === undefined ? {} : { echo: { kind: "line", text } }),
});
const print = (text: string): ScriptOp => ({ kind: "print", style: "plain", text });
const fail = (code: number): ScriptOp => ({ kind: "run", argv: ["sh", "-c", `exit ${code}`] });

export function shellSuite(name: string, under: ShellUnderTest): void {
  describe(name, () => {
    let directory = "";
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), "runner-shell-"));
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    const run = (ops: readonly ScriptOp[], options?: Parameters<typeof runOps>[3]) =>
      runOps(under, ops, directory, options);
    const scratch = () => mkdtempSync(join(directory, "case-"));

    test("print writes each style as GitLab Runner does", () => {
      const ops = (["plain", "notice", "warning", "error"] as const).map((style): ScriptOp => ({
        kind: "print",
        style,
        text: `a '%s' \\n ${style}`,
      }));
      expect(run(ops).stdout).toBe(
        "a '%s' \\n plain\n\x1b[32;1ma '%s' \\n notice\x1b[0;m\n" +
          "\x1b[0;33ma '%s' \\n warning\x1b[0;m\n\x1b[31;1ma '%s' \\n error\x1b[0;m\n",
      );
    });

    test("print-host names this host", () => {
      expect(run([{ kind: "print-host" }]).stdout).toBe(`Running on ${hostname()}...\n`);
      expect(run([{ kind: "print-host", via: "it's a%s" }]).stdout)
        .toBe(`Running on ${hostname()} via it's a%s...\n`);
    });

    test("user-command is announced, and its announcement is not code", () => {
      const { stdout } = run([user("echo done", "$ echo $(id) `id` \\ '\" !")]);
      expect(stdout).toBe("\x1b[32;1m$ echo $(id) `id` \\ '\" !\x1b[0;m\ndone\n");
    });

    test("user-command with a section folds its text, not its output", () => {
      const { stdout } = run([{
        kind: "user-command",
        code: "echo in",
        echo: { kind: "section", name: "section_step_script_0", text: "$ a\nb" },
      }]);
      const mark = (edge: string, rest: string) =>
        `section_${edge}:\\d+:section_step_script_0${rest}`;
      expect(stdout).toMatch(
        new RegExp(
          `^${mark("start", "\\[hide_duration=true,collapsed=true\\]\\r\\x1b\\[0K")}` +
            `\\x1b\\[32;1m\\$ a\\nb\\x1b\\[0;m\\n${mark("end", "\\r\\x1b\\[0K\\n")}in\\n$`,
        ),
      );
    });

    test("a failing user command ends the script with its code", () => {
      expect(run([user("echo a; (exit 9); echo b"), print("c")])).toMatchObject({
        code: 9,
        stdout: "a\n",
      });
      expect(run([user("false"), print("c")])).toMatchObject({ code: 1, stdout: "" });
      expect(run([user("exit 7"), print("c")])).toMatchObject({ code: 7, stdout: "" });
    });

    test("a script that ends well ends with 0, also by exit", () => {
      expect(run([user("true")]).code).toBe(0);
      expect(run([user("exit 0"), fail(3)]).code).toBe(0);
      expect(run([]).code).toBe(0);
    });

    test("the last status counts when the user has turned errexit off", () => {
      expect(run([user("set +e; false; true")]).code).toBe(0);
      expect(run([user("set +e; true; (exit 4)")]).code).toBe(4);
    });

    test("a logout file does not change the result", () => {
      const home = scratch();
      writeFileSync(join(home, ".bash_logout"), "echo logout; false\n");
      for (const [code, status] of [["exit 0", 0], ["true", 0], ["exit 7", 7]] as const) {
        expect(run([user(code)], { env: { HOME: home } })).toMatchObject({
          code: status,
          stdout: "",
        });
      }
    });

    test("checkExitCodes ends the script although errexit is off", () => {
      const ops = [user("set +e\n(exit 5)"), print("after")];
      expect(run(ops)).toMatchObject({ code: 0, stdout: "after\n" });
      expect(run(ops, { checkExitCodes: true })).toMatchObject({ code: 5, stdout: "" });
      expect(run([user("true"), print("x")], { checkExitCodes: true }).stdout).toBe("x\n");
    });

    test("a failure inside a pipe ends the script, where the shell can tell", () => {
      expect(run([user("false | true"), print("c")])).toMatchObject(
        under.pipefail ? { code: 1, stdout: "" } : { code: 0, stdout: "c\n" },
      );
    });

    test("user commands share one shell and read it line by line", () => {
      const alias = under.argv[0]?.endsWith("bash") ? "shopt -s expand_aliases\n" : "";
      const { stdout } = run([
        user(`${alias}alias hi='echo aliased'`),
        user("hi"),
        user("v=1; f() { echo f$1; }; cd /"),
        user("f $v; pwd"),
      ]);
      expect(stdout).toBe("aliased\nf1\n/\n");
    });

    test("a syntax error does not prevent the commands before it", () => {
      const { code, stdout } = run([user("echo one"), user("echo two"), user("if )"), print("no")]);
      expect(code).not.toBe(0);
      expect(stdout).toBe("one\ntwo\n");
    });

    test("a compound command may span entries, and a heredoc stays intact", () => {
      const { stdout } = run([
        user("if true; then", "$ if"),
        user("echo in"),
        user("fi"),
        user("cat <<'X'\n$a 'b'\nX"),
      ]);
      expect(stdout).toBe("\x1b[32;1m$ if\x1b[0;m\nin\n$a 'b'\n");
    });

    test("user commands have an empty standard input", () => {
      expect(run([user("cat; read line || echo eof"), print("next")])).toMatchObject({
        code: 0,
        stdout: "eof\nnext\n",
      });
    });

    test("noclobber of a profile is off", () => {
      const home = scratch();
      writeFileSync(join(home, ".profile"), "set -C\n");
      const { code } = run([user("echo 1 > $HOME/f; echo 2 > $HOME/f")], { env: { HOME: home } });
      expect(code).toBe(0);
      expect(readFileSync(join(home, "f"), "utf8")).toBe("2\n");
    });

    test("export reaches programs, unset removes, also what is not set", () => {
      const { stdout, code } = run([
        { kind: "export", name: "A", value: "x'y $z\n" },
        { kind: "export", name: "B", value: "b" },
        { kind: "unset", names: ["B", "NEVER_SET"] },
        { kind: "run", argv: ["sh", "-c", 'printf "%s|%s" "$A" "${B-unset}"'] },
      ]);
      expect({ stdout, code }).toEqual({ stdout: "x'y $z\n|unset", code: 0 });
    });

    test("run sets its environment for itself alone, and quiet drops standard output only", () => {
      const argv = ["sh", "-c", 'echo "$A"; echo "$A" >&2'];
      const done = run([
        { kind: "run", argv, env: { A: "it's" } },
        { kind: "run", argv, env: { A: "b" }, quiet: true },
        { kind: "run", argv: ["sh", "-c", 'echo "${A-unset}"'] },
      ]);
      expect(done).toEqual({ code: 0, stdout: "it's\nunset\n", stderr: "it's\nb\n" });
    });

    test("write-file writes exactly its content with mode 0600 and makes parents", () => {
      const root = scratch();
      const big = "0123456789abcde\n".repeat(1 << 16);
      for (const content of ["", "no newline", "two\n\n", "%s \\n $x `id`", big]) {
        const path = `${root}/a/b/file`;
        expect(run([{ kind: "write-file", path, content }]).code).toBe(0);
        expect(readFileSync(path, "utf8") === content).toBe(true);
        expect(lstatSync(path).mode & 0o777).toBe(0o600);
      }
    });

    test("write-file does not follow a link and does not change the umask", () => {
      const root = scratch();
      writeFileSync(join(root, "victim"), "safe");
      symlinkSync(join(root, "victim"), join(root, "link"));
      const { stdout } = run([
        user("umask 0022"),
        { kind: "write-file", path: `${root}/link`, content: "new" },
        user("umask"),
      ]);
      expect(stdout).toBe("0022\n");
      expect(readFileSync(join(root, "victim"), "utf8")).toBe("safe");
      expect(lstatSync(join(root, "link")).isFile()).toBe(true);
    });

    test("load-env-file takes values literally, and an absent file is fine", () => {
      const path = join(scratch(), "env");
      writeFileSync(path, "A=1 2 $(id)\n# comment\nnot a line\nB='q'\\x\nUID=0\nC=last");
      const { stdout, code } = run([
        { kind: "load-env-file", path: `${path}.absent` },
        { kind: "load-env-file", path },
        { kind: "run", argv: ["sh", "-c", 'printf "%s|%s|%s" "$A" "$B" "$C"'] },
      ]);
      expect({ stdout, code }).toEqual({ stdout: "1 2 $(id)|'q'\\x|last", code: 0 });
    });

    test("directories and files are made, entered and removed", () => {
      const root = scratch();
      mkdirSync(join(root, "full/deep"), { recursive: true });
      mkdirSync(join(root, "target"));
      writeFileSync(join(root, "target/keep"), "");
      symlinkSync(join(root, "target"), join(root, "link"));
      const { stdout, code } = run([
        { kind: "make-directory", path: `${root}/new/er` },
        { kind: "make-directory", path: `${root}/new/er` },
        { kind: "change-directory", path: `${root}/new/er` },
        user("pwd"),
        { kind: "remove-directory", path: `${root}/full` },
        { kind: "remove-directory", path: `${root}/absent` },
        { kind: "remove-directory", path: `${root}/link/` },
        { kind: "remove-file", path: `${root}/absent` },
      ]);
      expect({ stdout, code }).toEqual({ stdout: `${root}/new/er\n`, code: 0 });
      expect(["full", "link", "target/keep"].map((each) => existsSync(join(root, each)))).toEqual([
        false,
        false,
        true,
      ]);
    });

    test("remove-directory removes read-only content", () => {
      const root = scratch();
      const uid = process.getuid?.() === 0 ? 65534 : undefined;
      Bun.spawnSync(["chmod", "-R", "a+rwx", directory]);
      const made = run([
        user(`mkdir -p ${root}/ro/in && touch ${root}/ro/in/f && chmod -R a-w ${root}/ro`),
        { kind: "remove-directory", path: `${root}/ro` },
      ], uid === undefined ? {} : { uid });
      expect(made).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(existsSync(join(root, "ro"))).toBe(false);
    });

    test("remove-matching removes what matches below the directory and nothing else", () => {
      const root = scratch();
      for (const each of ["a/x.lock", "b/x.lock/inner", "keep/x"]) {
        mkdirSync(join(root, "d.lock", each), { recursive: true });
      }
      symlinkSync(join(root, "d.lock"), join(root, "link"));
      const remove = (directory: string): ScriptOp => ({
        kind: "remove-matching",
        directory: `${root}/${directory}`,
        name: "*.lock",
      });
      expect(run([remove("absent"), remove("link")]).code).toBe(0);
      expect(existsSync(join(root, "d.lock/a/x.lock"))).toBe(true);
      expect(run([remove("d.lock")])).toEqual({ code: 0, stdout: "", stderr: "" });
      const left = ["a", "a/x.lock", "b", "b/x.lock", "keep/x"];
      expect(left.filter((each) => existsSync(join(root, "d.lock", each)))).toEqual([
        "a",
        "b",
        "keep/x",
      ]);
    });

    test("when asks the environment", () => {
      const root = scratch();
      writeFileSync(join(root, "file"), "");
      symlinkSync(root, join(root, "link"));
      mkdirSync(join(root, "it's"));
      for (const name of ["a.pack", "b.pack", "c d.pack", "c.idx", ".e.pack"]) {
        writeFileSync(join(root, "it's", name), "");
      }
      const more = (directory: string, suffix: string, count: number) =>
        ({ kind: "more-files", directory: join(root, directory), suffix, count }) as const;
      const answers = ([
        { kind: "file-exists", path: `${root}/file` },
        { kind: "file-exists", path: `${root}/absent` },
        { kind: "directory-exists", path: root },
        { kind: "directory-exists", path: `${root}/link` },
        { kind: "program-exists", program: "sh" },
        { kind: "program-exists", program: "no-such-program" },
        { kind: "program-exists", program: "/bin/sh" },
        { kind: "program-exists", program: `${root}/file` },
        { kind: "succeeds", argv: ["sh", "-c", "echo loud"] },
        { kind: "succeeds", argv: ["false"] },
        more("it's", ".pack", 2),
        more("it's", ".pack", 3),
        more("it's", "", 3),
        more("absent", "", 1),
      ] as const).map((condition): ScriptOp => ({
        kind: "when",
        condition,
        then: [print("yes")],
        otherwise: [print("no")],
      }));
      expect(run(answers).stdout.split("\n").join(" ")).toBe(
        "yes no yes no yes no yes no yes no yes no yes no ",
      );
      const empty: ScriptOp = {
        kind: "when",
        condition: { kind: "file-exists", path: "/" },
        then: [],
      };
      expect(run([empty, print("on")]).stdout).toBe("on\n");
    });

    test("a failure inside when ends the script", () => {
      const condition = { kind: "file-exists", path: "/" } as const;
      expect(run([{ kind: "when", condition, then: [fail(6), print("x")] }])).toMatchObject({
        code: 6,
        stdout: "",
      });
    });

    test("attempt goes on behind its first failing op, and errexit is on again after it", () => {
      const attempt = (ops: ScriptOp[]): ScriptOp => ({
        kind: "attempt",
        ops,
        otherwise: [print("otherwise")],
      });
      expect(run([attempt([print("a"), fail(3), print("b")]), print("c")])).toMatchObject({
        code: 0,
        stdout: "a\notherwise\nc\n",
      });
      expect(run([attempt([print("a")]), fail(4), print("c")])).toMatchObject({
        code: 4,
        stdout: "a\n",
      });
      expect(run([attempt([attempt([fail(1)]), user("if )")]), fail(5), print("x")])).toMatchObject(
        {
          code: 5,
          stdout: "otherwise\notherwise\n",
        },
      );
      const hopeless: ScriptOp = { kind: "attempt", ops: [fail(1)], otherwise: [fail(8)] };
      expect(run([hopeless, print("x")])).toMatchObject({ code: 8, stdout: "" });
    });

    test("concurrently runs its groups at once and fails when one failed, after all ended", () => {
      const root = scratch();
      const meet = (own: string, other: string): ScriptOp =>
        user(`: > ${root}/${own}; until [ -e ${root}/${other} ]; do sleep 0.01; done`);
      const done = run([
        { kind: "concurrently", groups: [[meet("a", "b")], [meet("b", "a"), print("met")]] },
        {
          kind: "concurrently",
          groups: [[fail(3), print("no")], [user("sleep 0.1"), print("all")]],
        },
        print("never"),
      ]);
      expect(done).toMatchObject({ code: 3, stdout: "met\nall\n" });
    });

    test("debugTrace shows the commands that run, and not the whole script", () => {
      const { stdout, stderr } = run([user("echo traced")], { debugTrace: true });
      expect(stdout).toBe("traced\n");
      expect(stderr).toContain("+ echo traced\n");
      expect(stderr).not.toContain("eval");
    });

    test("SIGTERM lets the running command finish, then ends the script", async () => {
      const root = scratch();
      const script = under.shell.render([
        user(
          `sh -c 'trap "sleep 0.1; echo tidied; exit 3" TERM; echo up; while :; do sleep 0.02; done'`,
        ),
        print("never"),
      ], PLAIN);
      writeFileSync(join(root, "script"), script);
      const child = Bun.spawn([...under.argv], {
        env: { PATH: "/usr/bin:/bin", HOME: root },
        stdin: Bun.file(join(root, "script")),
        stdout: "pipe",
        stderr: "ignore",
        detached: true,
      });
      const decoder = new TextDecoder();
      let output = "";
      for await (const bytes of child.stdout) {
        if (output === "") process.kill(-child.pid, "SIGTERM");
        output += decoder.decode(bytes);
      }
      expect(output).toBe("up\ntidied\n");
      expect(await child.exited).not.toBe(0);
    });
  });
}
