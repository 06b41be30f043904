/** Golden scripts: what the two shells differ in, and each operation once. */

import { describe, expect, test } from "bun:test";
import type { RenderOptions, ScriptOp } from "../../core/shell.ts";
import { bash, sh } from "../../shells/bash.ts";
import { renderPosixOps } from "../../shells/posix_ops.ts";

const PLAIN: RenderOptions = { debugTrace: false, checkExitCodes: false };

const body = (...ops: ScriptOp[]) => renderPosixOps(ops, PLAIN);
const print: ScriptOp = { kind: "print", style: "plain", text: "p" };

describe("bash", () => {
  test("renders its preamble around one eval", () => {
    expect(bash.render([{ kind: "user-command", code: "echo 'a'" }], PLAIN)).toBe(
      "runner_terminated=\ntrap runner_terminated=1 TERM\nset +C\nset -eo pipefail\n" +
        "(eval 'trap '\\''exit 143'\\'' TERM\necho '\\''a'\\''\n') </dev/null\n" +
        '[ -z "$runner_terminated" ]\n',
    );
  });

  test("sets what the shell keeps to itself as far as the shell lets it", () => {
    const ops = ["UID", "SHELLOPTS"].map((name) => ({ kind: "export", name, value: "1" } as const));
    const script = bash.render([...ops, { kind: "user-command", code: "echo on" }], PLAIN);
    const { exitCode, stdout, stderr } = Bun.spawnSync(["bash", "-c", script]);
    expect({ exitCode, stdout: String(stdout), stderr: String(stderr) })
      .toEqual({ exitCode: 0, stdout: "on\n", stderr: "" });
  });

  test("renders tracing and exit checks on request", () => {
    const options = { debugTrace: true, checkExitCodes: true };
    expect(bash.render([{ kind: "user-command", code: "make" }], options)).toContain(
      "TERM\nset -x\nmake\ncase $? in 0) ;; *) exit $? ;; esac\n",
    );
  });

  test("is a login shell on hosts and a plain one in containers", () => {
    const script = { kind: "stdin" } as const;
    expect(bash.invocation({ os: "linux", login: true })).toEqual({
      argv: ["bash", "--login"],
      script,
    });
    expect(bash.invocation({ os: "linux", login: false })).toEqual({ argv: ["bash"], script });
    expect(sh.invocation({ os: "linux", login: true })).toEqual({ argv: ["sh", "-l"], script });
    expect(sh.invocation({ os: "linux", login: false })).toEqual({ argv: ["sh"], script });
  });

  test("joins paths with slashes", () => {
    expect(bash.join("/builds/", "a", "b.tmp")).toBe("/builds/a/b.tmp");
  });
});

describe("sh", () => {
  test("asks for pipefail without insisting", () => {
    expect(sh.render([], PLAIN)).toStartWith(
      "runner_terminated=\ntrap runner_terminated=1 TERM\nset +C\ncommand set -o pipefail 2>/dev/null || :\nset -e\n(eval '",
    );
  });

  test("uses nothing that only bash has", () => {
    const everything = sh.render([
      { kind: "export", name: "A", value: "\x1b\t'" },
      { kind: "write-file", path: "/a/b", content: "c\n" },
      { kind: "load-env-file", path: "/env" },
      { kind: "when", condition: { kind: "directory-exists", path: "/d" }, then: [print] },
      { kind: "attempt", ops: [print], otherwise: [] },
      { kind: "concurrently", groups: [[print], [print]] },
    ], PLAIN);
    expect(everything).not.toMatch(/\$'|\[\[|<<<|\(\(|\bfunction\b|\blocal\b|&>/);
  });
});

describe("renderPosixOps", () => {
  test("renders each operation", () => {
    expect(body({ kind: "export", name: "A", value: "b c" })).toBe("export A='b c'");
    expect(body({ kind: "unset", names: ["A", "B"] })).toBe("unset -v A B");
    expect(body({ kind: "change-directory", path: "/a b" })).toBe("cd '/a b'");
    expect(body({ kind: "make-directory", path: "/a" })).toBe("[ -d /a ] || mkdir -p /a");
    expect(body({ kind: "remove-file", path: "-f" })).toBe(
      "if [ -e ./-f ] || [ -L ./-f ]; then rm -f ./-f; fi",
    );
    expect(body({ kind: "write-file", path: "/d/f", content: "x\n" })).toBe(
      "[ -d /d ] || mkdir -p /d\nif [ -e /d/f ] || [ -L /d/f ]; then rm -f /d/f; fi\n" +
        "(umask 077 && set -C && printf %s 'x\n' > /d/f)",
    );
    expect(body({ kind: "remove-matching", directory: "/d", name: "*.lock" })).toBe(
      "if [ -d /d ] && [ ! -L /d ]; then " +
        "find /d/. ! -name . -name '*.lock' -prune -exec rm -rf {} +; fi",
    );
    expect(body({ kind: "run", argv: ["git", "-c", "a=b"], env: { T: "s t" }, quiet: true })).toBe(
      "T='s t' git -c 'a=b' >/dev/null",
    );
    expect(body({ kind: "print", style: "notice", text: "hi" })).toBe(
      "printf '%s\\n' '\x1b[32;1mhi\x1b[0;m'",
    );
  });

  test("takes only the keys of an environment file that are asked for", () => {
    const script = body({ kind: "load-env-file", path: "/dev/stdin", only: ["A", "B"] });
    for (const shell of ["bash", "sh"]) {
      const { stdout } = Bun.spawnSync([shell, "-c", `${script.replace("-f", "-e")}\nenv`], {
        env: { PATH: process.env["PATH"] ?? "" },
        stdin: Buffer.from("A=1\nAB=2\nB=3=3\n"),
      });
      const set = stdout.toString().split("\n").filter((line) => /^[AB]+=/.test(line)).sort();
      expect(set).toEqual(["A=1", "B=3=3"]);
    }
  });

  test("puts user code into compound commands as data", () => {
    const code = "echo ')'; fi";
    const nested: ScriptOp = { kind: "user-command", code };
    expect(body(nested)).toBe(code);
    const condition = { kind: "succeeds", argv: ["true"] } as const;
    expect(body({ kind: "when", condition, then: [nested], otherwise: [] })).toBe(
      "if true >/dev/null 2>&1; then\neval 'echo '\\'')'\\''; fi'\nelse\n:\nfi",
    );
  });

  test("gives an attempt a subshell of its own, outside of any condition", () => {
    expect(body({ kind: "attempt", ops: [print], otherwise: [print] })).toBe(
      "set +e\n(\nset -e\nprintf '%s\\n' p\n)\ncase $? in\n0) set -e ;;\n*)\nset -e\n" +
        "printf '%s\\n' p\n;;\nesac",
    );
  });
});
