import { describe, expect, test } from "bun:test";
import {
  exitPattern,
  MARK_VARIABLE,
  posixCommand,
  superviseCommand,
  sweepCommand,
  TERMINATE,
} from "../../../executors/ssh/supervisor.ts";

/** What a server may have as a user's login shell. */
const SHELLS = ["bash", "dash", "zsh", "fish"].filter((shell) => Bun.which(shell) !== null);

const decoder = new TextDecoder();

function mark(): string {
  return `${crypto.randomUUID()}.1.`;
}

/** Starts a supervisor as sshd does, with `script` as the beginning of its input. */
function supervise(shell: string, script: string, its: string) {
  const size = script.length;
  const child = Bun.spawn([shell, "-c", superviseCommand({ argv: ["bash"], mark: its, size })], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  child.stdin.write(script);
  child.stdin.flush();
  const end = async () => {
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { stdout, code: exitPattern(its).exec(stderr)?.[1] };
  };
  return { child, end };
}

describe.each(SHELLS)("in %s", (shell) => {
  test("a script's output and exit code come through, and its input stays open", async () => {
    const its = mark();
    const { end } = supervise(shell, "echo out; echo err >&2; exit 5\n", its);
    expect(await end()).toEqual({ stdout: "out\nerr\n", code: "5" });
  });

  test("TERMINATE asks the script to end", async () => {
    const its = mark();
    const script = "trap 'echo asked; exit 9' TERM; echo up; while :; do sleep 0.02; done\n";
    const { child, end } = supervise(shell, script, its);
    await Bun.sleep(200);
    child.stdin.write(TERMINATE);
    child.stdin.flush();
    // bash may tell of the `sleep` that was ended too.
    expect(await end()).toEqual({ stdout: expect.stringMatching(/^up\n.*asked\n$/s), code: "9" });
  });

  test("the end of the input kills what the script has started, wherever it went", async () => {
    const its = mark();
    const script = "trap '' TERM HUP; setsid sleep 1000 & echo up; sleep 1000\n";
    const { child, end } = supervise(shell, script, its);
    await Bun.sleep(200);
    child.stdin.end();
    expect(await end()).toEqual({ stdout: "up\n", code: "137" });
    const left = Bun.spawnSync(["sh", "-c", `grep -lsF '${its}' /proc/[0-9]*/environ`]);
    expect(decoder.decode(left.stdout)).toBe("");
  });
});

test("sweepCommand() ends processes by the beginning of their marks, and no others", async () => {
  const [its, other] = [mark(), mark()];
  const start = (value: string) =>
    Bun.spawn(["sleep", "1000"], { env: { PATH: "/usr/bin:/bin", [MARK_VARIABLE]: value } });
  const [mine, strange] = [start(its), start(other)];
  const sweep = Bun.spawnSync(["sh", "-c", sweepCommand(its.slice(0, 36))], {
    stdin: new TextEncoder().encode("\n"),
  });
  expect(sweep.exitCode).toBe(0);
  await mine.exited;
  expect([mine.signalCode, strange.exitCode]).toEqual(["SIGKILL", null]);
  strange.kill();
});

test("posixCommand() refuses what a shell could take for something else", () => {
  expect(posixCommand(["a b", "c"])).toBe("exec sh -c 'a b; c'");
  for (const text of ["it's", "a\nb", "a!b", "a\\b"]) {
    expect(() => posixCommand([text])).toThrow("Cannot send the command");
  }
});
