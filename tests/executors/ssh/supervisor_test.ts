import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BEAT,
  MARK_VARIABLE,
  posixCommand,
  superviseCommand,
  supervisedInput,
  supervisorWords,
  sweepCommand,
  TERMINATE,
} from "../../../executors/ssh/supervisor.ts";

/** What a server may have as a user's login shell. */
const LOGIN_SHELLS = ["bash", "dash", "zsh", "fish", "ksh", "tcsh"].filter((shell) =>
  Bun.which(shell) !== null
);

const decoder = new TextDecoder();

function mark(): string {
  return `${crypto.randomUUID()}.1.`;
}

/** What the target may have as `sh`: the shell that runs the supervisor. */
const POSIX_SHELLS = ["bash", "dash", "zsh", "busybox"].filter((shell) =>
  Bun.which(shell) !== null
);

/** Starts a supervisor as sshd does, with `script` as the beginning of its input. */
function supervise(login: string, script: string, its: string, path?: string, silenceSeconds = 30) {
  const stage = { argv: ["bash"], script, mark: its, silenceSeconds };
  const child = Bun.spawn(["setsid", login, "-c", superviseCommand(stage)], {
    env: { PATH: `${path === undefined ? "" : `${path}:`}${process.env["PATH"]}` },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  let printed = "";
  let said = "";
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const { promise: up, resolve: isUp } = Promise.withResolvers<void>();
  const output = (async () => {
    for await (const bytes of child.stdout) {
      printed += decoder.decode(bytes);
      if (printed.startsWith("up\n")) isUp();
    }
  })();
  const errors = (async () => {
    for await (const bytes of child.stderr) {
      said += decoder.decode(bytes);
      if (supervisorWords(said, its).isReady) resolve();
    }
  })();
  const send = (bytes: Uint8Array) => {
    child.stdin.write(bytes);
    child.stdin.flush();
  };
  send(supervisedInput(stage));
  const end = async () => {
    await Promise.all([output, errors]);
    return { stdout: printed, code: supervisorWords(said, its).exitCode };
  };
  return { child, send, ready, up, end, said: () => said };
}

/** A directory whose `sh` is this shell, for the front of PATH. */
function shellAsSh(shell: string): string {
  const directory = mkdtempSync(join(tmpdir(), "runner-sh-"));
  directories.push(directory);
  symlinkSync(Bun.which(shell) ?? "", join(directory, "sh"));
  return directory;
}

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

const BENCHES = [
  ...LOGIN_SHELLS.map((login) => [`login shell ${login}`, login, undefined] as const),
  ...POSIX_SHELLS.map((sh) => [`${sh} as sh`, "bash", shellAsSh(sh)] as const),
];

describe.each(BENCHES)("with %s", (_name, login, path) => {
  const start = (script: string, its: string) => supervise(login, script, its, path);

  test("a script's output and exit code come through", async () => {
    const { end } = start("echo out; echo err >&2; exit 5\n", mark());
    expect(await end()).toEqual({ stdout: "out\nerr\n", code: 5 });
  });

  test("a script arrives as it is, however long", async () => {
    const text = "%s \\n $HOME é\n".repeat(40_000);
    const { end } = start(`cat <<'X'\n${text}X\n`, mark());
    expect(await end()).toEqual({ stdout: text, code: 0 });
  });

  test("TERMINATE asks the script to end, also when it is not read to its end", async () => {
    const script = "trap 'echo asked; exit 9' TERM; echo up; while :; do sleep 0.02; done\n";
    const { send, ready, up, end } = start(`${script}${"#\n".repeat(200_000)}`, mark());
    await Promise.all([ready, up]);
    send(TERMINATE);
    // bash may tell of the `sleep` that was ended too.
    expect(await end()).toEqual({ stdout: expect.stringMatching(/^up\n.*asked\n$/s), code: 9 });
  });

  test("the end of the input kills what the script has started, wherever it went", async () => {
    const its = mark();
    const script = "trap '' TERM HUP; setsid sleep 1000 & echo up; sleep 1000\n";
    const { child, up, end } = start(script, its);
    await up;
    child.stdin.end();
    expect(await end()).toEqual({ stdout: "up\n", code: 137 });
    const left = Bun.spawnSync(["sh", "-c", `grep -lsF '${its}' /proc/[0-9]*/environ`]);
    expect(decoder.decode(left.stdout)).toBe("");
  });

  test("what a script leaves running ends with it", async () => {
    const { end } = start("trap '' TERM HUP; setsid sleep 1000 & exit 3\n", mark());
    expect(await end()).toEqual({ stdout: "", code: 3 });
  });

  test("a script that is cut short does not run", async () => {
    const its = mark();
    const stage = { argv: ["bash"], script: "echo never\n", mark: its, silenceSeconds: 30 };
    const whole = supervisedInput(stage);
    const { stdout } = Bun.spawnSync([login, "-c", superviseCommand(stage)], {
      env: { PATH: `${path === undefined ? "" : `${path}:`}${process.env["PATH"]}` },
      stdin: whole.slice(0, -3),
    });
    expect(decoder.decode(stdout)).toBe("");
  });

  test("a script is started with no signal ignored", async () => {
    const { end } = start("grep -E 'Sig(Ign|Blk)' /proc/self/status | tr -dc 1-9\n", mark());
    expect(await end()).toEqual({ stdout: "", code: 0 });
  });
});

// Side by side: shells count this silence in whole seconds.
test.concurrent.each(BENCHES)(
  "with %s, a script is killed when no beat comes, and that is told",
  async (_name, login, path) => {
    const script = "trap '' TERM; echo up; sleep 1000\n";
    const { send, ready, end, said } = supervise(login, script, mark(), path, 1);
    await ready;
    for (let beats = 0; beats < 5; beats++) {
      await Bun.sleep(300);
      send(BEAT);
    }
    expect(said()).not.toContain(" exit ");
    expect(await end()).toEqual({ stdout: "up\n", code: 137 });
    expect(said()).toContain(" silent\n");
  },
);

test("supervisorWords() reads whole lines only, and nobody else's", () => {
  expect(supervisorWords("a exit 1\nb. exit 2\nb. ready\na. exit 13", "a.").exitCode).toBe(
    undefined,
  );
  expect(supervisorWords("warning\na. ready\na. exit 137\n", "a.")).toEqual({
    isReady: true,
    heardNothing: false,
    exitCode: 137,
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
