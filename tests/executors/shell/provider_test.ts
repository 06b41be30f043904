import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigurationError } from "../../../core/errors.ts";
import type { ExecutorNote, ExitStatus, StageCommand } from "../../../core/executor.ts";
import { ShellExecutorProvider, type ShellProviderOptions } from "../../../executors/shell/mod.ts";
import { bash } from "../../../shells/bash.ts";
import { SILENT, testConfig, testIO, testSpec } from "../../conformance/executor_suite.ts";

const NEVER = new AbortController().signal;
const PATH = "/usr/local/bin:/usr/bin:/bin";
const isRoot = process.getuid?.() === 0;

const parent = mkdtempSync(join(tmpdir(), "runner-shell-executor-"));
chmodSync(parent, 0o755);
afterAll(() => rmSync(parent, { recursive: true, force: true }));

function place(): string {
  const root = mkdtempSync(join(parent, "case-"));
  chmodSync(root, 0o755);
  return root;
}

function providerIn(root: string, more: Partial<ShellProviderOptions> = {}) {
  return new ShellExecutorProvider({ env: { PATH, HOME: root }, workingDirectory: root, ...more });
}

async function acquire(
  root: string,
  config: Record<string, unknown> = {},
  more: Partial<ShellProviderOptions> = {},
) {
  return await providerIn(root, more).acquire(testConfig({ executor: "shell", ...config }), {
    host: { logger: SILENT, systemId: "s_test", stateDir: join(root, "state") },
    signal: NEVER,
  });
}

function command(code: string, more: Partial<StageCommand> = {}): StageCommand {
  return {
    stage: "step_script",
    script: bash.render([{ kind: "user-command", code }], {
      debugTrace: false,
      checkExitCodes: false,
    }),
    invocation: bash.invocation({ os: "linux", login: true }),
    target: "build",
    ...more,
  };
}

async function output(executor: Awaited<ReturnType<typeof acquire>>, code: string) {
  const io = testIO();
  const exit: ExitStatus = await executor.run(command(code), io, { signal: NEVER });
  return { text: io.text(), exit };
}

describe("ShellExecutorProvider", () => {
  test("announces what the shell executor can do", () => {
    const { features, defaultShell } = providerIn("/").info(testConfig({ executor: "shell" }));
    expect(defaultShell).toBe("bash");
    expect(features).toEqual({
      variables: true,
      image: false,
      services: false,
      shared: true,
      session: false,
      terminal: false,
    });
  });

  test("acquire falls back to sh, and names what is missing", async () => {
    const root = place();
    const bin = join(root, "bin");
    mkdirSync(bin);
    const env = { PATH: bin };
    await expect(acquire(root, {}, { env })).rejects.toThrow(
      new ConfigurationError(
        `Cannot run jobs of runner "under-test": bash or sh is not in PATH ("${bin}"). ` +
          'Install it, or name another one as "shell" in config.toml',
      ),
    );
    writeFileSync(join(bin, "sh"), "#!/bin/true\n", { mode: 0o755 });
    await using executor = await acquire(root, {}, { env });
    const io = testIO();
    expect(await executor.prepare(testSpec(), io, { signal: NEVER })).toMatchObject({
      shell: "sh",
    });
    expect(io.lines).toEqual(["Using Shell (sh) executor..."]);
    await expect(acquire(root, { shell: "bash" }, { env })).rejects.toThrow("bash is not in PATH");
  });

  test("reap ignores a note that is not one of its own", async () => {
    const provider = providerIn("/");
    for (const note of [{}, { mark: "" }, { mark: 1 }, { mark: "PATH=" }]) {
      await provider.reap(note, {
        host: { logger: SILENT, systemId: "s_test", stateDir: "/" },
        signal: NEVER,
      });
    }
  });

  test("reap removes a dead job's file variables, and not those of who has its slot now", async () => {
    const root = place();
    const executor = await acquire(root);
    let note: ExecutorNote = {};
    await executor.prepare(testSpec(), { ...testIO(), remember: (given) => note = given }, {
      signal: NEVER,
    });
    const tempDir = join(root, "project.tmp");
    mkdirSync(tempDir);
    writeFileSync(join(tempDir, "SECRET"), "secret");
    const reap = () =>
      providerIn(root).reap({ ...note, temp_dir: tempDir }, {
        host: { logger: SILENT, systemId: "s_test", stateDir: root },
        signal: NEVER,
      });
    await reap();
    expect(existsSync(tempDir)).toBe(true);
    await executor[Symbol.asyncDispose]();
    await reap();
    expect(existsSync(tempDir)).toBe(false);
    await reap();
  });
});

describe("ShellExecutor", () => {
  test("prepare answers with directories below the working directory", async () => {
    const root = place();
    await using executor = await acquire(root, {}, { selfCommand: ["/opt/runner"] });
    const io = testIO();
    expect(await executor.prepare(testSpec(), io, { signal: NEVER })).toEqual({
      os: "linux",
      hostname: hostname(),
      buildsDir: join(root, "builds"),
      cacheDir: join(root, "cache"),
      sharedBuildsDir: true,
      projectSlot: 0,
      shell: "bash",
      login: true,
      exitPhrase: "exit status",
      helperCommand: ["/opt/runner"],
      variables: {},
    });
    expect(existsSync(join(root, "cache"))).toBe(true);
    expect(io.notes).toEqual([{
      mark: expect.stringMatching(/^[0-9a-f-]{36}$/),
      lease: join(root, "builds/abcdefghi/0/.lease-1"),
    }]);
  });

  test("prepare resolves relative directories and names one that cannot be used", async () => {
    const root = place();
    await using executor = await acquire(root, {
      builds_dir: "b/../work",
      cache_dir: "/dev/null/c",
    });
    await expect(executor.prepare(testSpec(), testIO(), { signal: NEVER })).rejects.toThrow(
      /^Cannot use cache_dir "\/dev\/null\/c": ENOTDIR/,
    );
    expect(existsSync(join(root, "work"))).toBe(true);
  });

  test("prepare can be repeated and leases one slot", async () => {
    const root = place();
    await using executor = await acquire(root);
    for (let attempt = 0; attempt < 3; attempt++) {
      const { projectSlot } = await executor.prepare(testSpec(), testIO(), { signal: NEVER });
      expect(projectSlot).toBe(0);
    }
  });

  test("no two jobs of a project share a slot, whatever slot they ask for", async () => {
    const root = place();
    const prepare = async (project: number, slot: number) => {
      const executor = await acquire(root);
      const { projectSlot } = await executor.prepare(testSpec({ project, slot }), testIO(), {
        signal: NEVER,
      });
      return { executor, projectSlot };
    };
    const jobs = [
      await prepare(1, 0),
      await prepare(1, 0),
      await prepare(1, 1),
      await prepare(2, 0),
    ];
    expect(jobs.map(({ projectSlot }) => projectSlot)).toEqual([0, 1, 2, 0]);
    await jobs[0]?.executor[Symbol.asyncDispose]();
    const next = await prepare(1, 0);
    expect(next.projectSlot).toBe(0);
    for (const { executor } of [...jobs, next]) await executor[Symbol.asyncDispose]();
  });

  test("a slot leased by another manager is left alone until that dies", async () => {
    const root = place();
    await using first = await acquire(root);
    await first.prepare(testSpec(), testIO(), { signal: NEVER });
    const source = new URL("../../../core/util/file_lock.ts", import.meta.url).pathname;
    const lease = join(root, "builds/abcdefghi/1/.lease-1");
    mkdirSync(join(lease, ".."), { recursive: true });
    const code = `import { tryLockFile } from ${JSON.stringify(source)};
      console.log(tryLockFile(${JSON.stringify(lease)}) !== undefined); await Bun.sleep(60000);`;
    const other = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
    await other.stdout.getReader().read();
    const slotOfNext = async () => {
      await using next = await acquire(root);
      return (await next.prepare(testSpec(), testIO(), { signal: NEVER })).projectSlot;
    };
    expect(await slotOfNext()).toBe(2);
    other.kill("SIGKILL");
    await other.exited;
    expect(await slotOfNext()).toBe(1);
  });

  test("run starts in the working directory with the profile read, and leaves no script", async () => {
    const root = place();
    writeFileSync(join(root, ".profile"), "export FROM_PROFILE=yes\n");
    await using executor = await acquire(root);
    await executor.prepare(testSpec(), testIO(), { signal: NEVER });
    const { text } = await output(executor, `echo "$PWD $FROM_PROFILE"; ls -A "${root}/state"`);
    expect(text).toBe(`${root} yes\n`);
    expect(readdirSync(join(root, "state"))).toEqual([]);
    expect(statSync(join(root, "state")).mode & 0o777).toBe(0o700);
  });

  test.skipIf(process.platform !== "linux")(
    "run never gives the script a name that a crash could leave behind",
    async () => {
      const root = place();
      await using executor = await acquire(root);
      await executor.prepare(testSpec(), testIO(), { signal: NEVER });
      const state = join(root, "state");
      mkdirSync(state);
      const names = new Set<string | null>();
      const sentinel = Promise.withResolvers<void>();
      const watcher = watch(state, (_, name) => {
        names.add(name);
        if (name === "sentinel") sentinel.resolve();
      });
      expect((await output(executor, "echo hello")).text).toBe("hello\n");
      writeFileSync(join(state, "sentinel"), "");
      await sentinel.promise;
      watcher.close();
      // `#<number>` is how the kernel calls a file without a name.
      const named = [...names].filter((name) => !/^#\d+$/.test(name ?? ""));
      expect(named).toEqual(["sentinel"]);
    },
  );

  test("run gives a shell that wants a file its path, and removes it", async () => {
    const root = place();
    await using executor = await acquire(root);
    const io = testIO();
    const stage = command("", {
      script: 'stat -c %a "$0"; echo "$0"',
      invocation: { argv: ["bash"], script: { kind: "file", extension: "sh" } },
    });
    expect(await executor.run(stage, io, { signal: NEVER })).toMatchObject({ code: 0 });
    const [mode, path = ""] = io.text().split("\n");
    expect([mode, path.endsWith("/script.sh"), existsSync(path)]).toEqual(["600", true, false]);
  });

  test("run keeps the script out of arguments and environment", async () => {
    await using executor = await acquire(place());
    const { text } = await output(
      executor,
      ": hidden-value; tr '\\0' '\\n' < /proc/$$/cmdline; tr '\\0' '\\n' < /proc/$$/environ",
    );
    expect(text).not.toContain("hidden-value");
    expect(text).toStartWith("bash\n--login\n");
  });

  test("run does without a working directory that is gone", async () => {
    const root = place();
    await using executor = await acquire(root, {}, { workingDirectory: join(root, "gone") });
    const io = testIO();
    const status = await executor.run(command("pwd"), io, { signal: NEVER });
    expect(status).toMatchObject({ kind: "exited", code: 0 });
    expect(io.text()).toBe("/\n");
  });

  test("a cancel while bash waits takes milliseconds", async () => {
    await using executor = await acquire(place());
    const stop = new AbortController();
    const io = testIO();
    const run = executor.run(command("echo up; sleep 120 & echo $!; wait"), io, {
      signal: stop.signal,
    });
    while (io.text() === "") await Bun.sleep(2);
    const started = performance.now();
    stop.abort(new Error("stop"));
    await expect(run).rejects.toThrow("stop");
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe.skipIf(!isRoot)(
  isRoot ? "ShellExecutor with --user" : "ShellExecutor with --user: NOT RUN, needs root",
  () => {
    test("becomes the user with all groups, home, names and its own directories", async () => {
      const root = place();
      const name = `runner-${process.pid}`;
      const home = join(root, "home");
      const add = Bun.spawnSync([
        "useradd",
        "-m",
        "-d",
        home,
        "-s",
        "/bin/bash",
        "-G",
        "games",
        name,
      ], {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      });
      expect(add.exitCode).toBe(0);
      try {
        writeFileSync(join(home, ".profile"), "export FROM_PROFILE=$USER\n");
        const env = {
          PATH,
          HOME: "/root",
          USER: "root",
          XDG_RUNTIME_DIR: "/run/user/0",
          LANG: "C",
        };
        await using executor = await acquire(root, {}, { user: name, env });
        const { buildsDir, cacheDir } = await executor.prepare(testSpec(), testIO(), {
          signal: NEVER,
        });
        const { text } = await output(
          executor,
          `id -un; id -Gn; echo "$HOME $USER $LOGNAME $SHELL $LANG $FROM_PROFILE` +
            ` \${XDG_RUNTIME_DIR-unset}"; mkdir ${buildsDir}/abcdefghi/0/group ${cacheDir}/x; echo ok`,
        );
        expect(text.split("\n")).toEqual([
          name,
          `${name} games`,
          `${home} ${name} ${name} /bin/bash C ${name} unset`,
          "ok",
          "",
        ]);
        expect(statSync(root).uid).toBe(0);
      } finally {
        Bun.spawnSync(["userdel", "-r", name], { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } });
      }
    });

    test("an unknown user is a configuration error", async () => {
      await expect(acquire(place(), {}, { user: "no-such-user" })).rejects.toThrow(
        new ConfigurationError('Cannot run jobs as "no-such-user": this host has no such user'),
      );
    });

    test("without setpriv the job still runs as the user", async () => {
      const root = place();
      const bin = join(root, "bin");
      mkdirSync(bin);
      for (const each of ["bash", "id"]) Bun.spawnSync(["ln", "-s", `/usr/bin/${each}`, bin]);
      await using executor = await acquire(root, {}, { user: "nobody", env: { PATH: bin } });
      const { text } = await output(executor, `${bin}/id -un; echo a > /dev/stdout`);
      expect(text).toBe("nobody\na\n");
    });
  },
);
