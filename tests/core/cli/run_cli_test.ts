import { describe, expect, test } from "bun:test";
import { dirname, resolve } from "node:path";
import { Sandbox } from "./fixture.ts";
import { USAGE } from "../../../core/cli/usage.ts";

const MINIMAL =
  '[[runners]]\nname = "n"\nurl = "http://127.0.0.1:1"\ntoken = "t"\nexecutor = "shell"\n';

describe("--version", () => {
  test("has GitLab Runner's lines", async () => {
    using sandbox = new Sandbox();
    const { code, stdout, stderr } = await sandbox.run(["--version"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.slice(0, 14))).toEqual([
      "Version:      ",
      "Git revision: ",
      "Git branch:   ",
      "GO version:   ",
      "Built:        ",
      "OS/Arch:      ",
      "Release:      ",
    ]);
    expect(lines[0]).toBe("Version:      19.4.0");
    for (const flag of ["-v", "-version"]) {
      expect((await sandbox.run([flag])).stdout).toBe(stdout);
    }
    expect((await sandbox.run(["--debug", "--version"])).stdout).toBe(stdout);
  });
});

describe("help", () => {
  test("lists every command in its group", async () => {
    using sandbox = new Sandbox();
    const { code, stdout } = await sandbox.run([]);
    expect(code).toBe(0);
    expect(stdout).toMatchSnapshot();
    for (const argv of [["--help"], ["-h"], ["help"], ["h"], ["--debug", "-h"]]) {
      expect((await sandbox.run(argv)).stdout).toBe(stdout);
    }
  });

  test("of a command shows its flags and examples", async () => {
    using sandbox = new Sandbox();
    const { code, stdout } = await sandbox.run(["verify", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatchSnapshot();
    expect((await sandbox.run(["help", "verify"])).stdout).toBe(stdout);
  });

  test("of register hides rare flags until it is asked for all", async () => {
    using sandbox = new Sandbox();
    const short = (await sandbox.run(["register", "--help"])).stdout;
    const long = (await sandbox.run(["register", "--help-all"])).stdout;
    expect(short).toContain("--docker-image");
    expect(short).not.toContain("--docker-cpuset-cpus");
    expect(long).toContain("--docker-cpuset-cpus");
    expect(long).toContain("--kubernetes-namespace");
    for (const help of [short, long]) {
      expect(help.indexOf("Global flags:")).toBeGreaterThan(help.indexOf("--docker-image"));
      expect(help).toContain("--help-all");
    }
  });

  test("uses the name it was called by", async () => {
    using sandbox = new Sandbox();
    const { stdout } = await sandbox.run(["verify", "-h"], { calledAs: "gitlab-runner" });
    expect(stdout).toStartWith("Usage: gitlab-runner verify [flags]\n");
    expect(stdout).toContain("  gitlab-runner verify --delete");
    expect(stdout).not.toMatch(/^ {2}runner /m);
  });

  test("fills a wide terminal, in colour unless NO_COLOR is set", async () => {
    using sandbox = new Sandbox();
    const onTerminal = async (columns: number, env: Record<string, string>) => {
      let text = "";
      const stdout = { write: (part: string) => text += part, isTTY: true, columns };
      await sandbox.run(["register", "--help"], { stdout, env });
      return text;
    };
    const wide = await onTerminal(100, { NO_COLOR: "1" });
    const widest = (text: string) =>
      Math.max(...text.split("Examples:")[0]!.split("\n").map((line) => line.length));
    expect(widest(wide)).toBeGreaterThan(80);
    expect(widest(wide)).toBeLessThanOrEqual(100);
    expect(widest(await onTerminal(80, { NO_COLOR: "1" }))).toBeLessThanOrEqual(80);
    expect(wide).not.toContain("\x1b");
    expect(await onTerminal(100, {})).toContain("\x1b[1mFlags:\x1b[0m");
  });
});

describe("a wrong command line ends in exit code 1", () => {
  test.each([
    [["verfy"], "runner: unknown command 'verfy'\n(Did you mean verify?)"],
    [["help", "verfy"], "runner: unknown command 'verfy'"],
    [["status"], "runner: unknown command 'status'\n(runner help lists the commands)"],
    [["h", "verfy"], "runner: unknown command 'verfy'"],
    [["verify", "--nam", "x"], "runner: unknown option '--nam'\n(Did you mean --name?)"],
    [["verify", "extra"], "runner: too many arguments"],
    [["verify", "--name"], "argument missing"],
    [["completion"], "missing required argument 'bash|zsh|fish'"],
    [["completion", "tcsh"], 'There is no completion for "tcsh"'],
    [["list", "--log-level", "loud"], 'runner: Unknown log level "loud"'],
    [["list", "--log-format=xml"], 'runner: Unknown log format "xml"'],
    [["verify", "--delete=maybe", "-c", "c.toml"], 'Invalid value "maybe" for --delete'],
    [["reset-token", "--id", "one"], 'Invalid value "one" for --id'],
  ])("%p", async (argv, text) => {
    using sandbox = new Sandbox();
    await Bun.write(`${sandbox.folder}/c.toml`, "");
    const { code, stdout, stderr } = await sandbox.run(argv);
    expect(stderr).toContain(text);
    expect([code, stdout]).toEqual([1, ""]);
  });
});

test("plugin check says what is wrong with its pattern", async () => {
  using sandbox = new Sandbox();
  const { code, stderr } = await sandbox.run(["plugin", "check", "--only", "(", "true"]);
  expect(stderr).toStartWith("runner: --only takes a regular expression: ");
  expect(code).toBe(USAGE);
});

describe("global flags", () => {
  test("are taken before and after the command", async () => {
    using sandbox = new Sandbox();
    await Bun.write(sandbox.configPath, MINIMAL);
    for (
      const argv of [
        ["--log-format", "json", "list", "-c", "config.toml"],
        ["list", "-config=config.toml", "-log-format", "json"],
        ["--cpuprofile", "cpu.prof", "list", "--config", "config.toml", "--log-format", "json"],
      ]
    ) {
      const { code, stderr } = await sandbox.run(argv);
      expect(code).toBe(0);
      const lines = stderr.trim().split("\n").map((line) => JSON.parse(line));
      expect(lines.map(({ msg }) => msg)).toEqual([
        "Runtime platform",
        "Listing configured runners",
        "n",
      ]);
      expect(lines[0]).toMatchObject({ level: "info", version: "19.4.0", pid: process.pid });
    }
  });

  test("come from variables, and --debug wins over a level", async () => {
    using sandbox = new Sandbox();
    await Bun.write(sandbox.configPath, MINIMAL);
    const quiet = await sandbox.run(["list"], {
      env: { LOG_LEVEL: "error", CONFIG_FILE: sandbox.configPath },
    });
    expect(quiet.stderr).toBe("");
    const failing = await sandbox.run(["--debug", "list", "-l", "error", "-c", "."]);
    expect(failing.stderr).toContain("Runtime platform");
    expect(failing.stderr).toContain("at readConfigText");
    const plain = await sandbox.run(["list", "-c", "."]);
    expect(plain.stderr).toContain("FATAL: Cannot read configuration");
    expect(plain.stderr).not.toContain("at readConfigText");
  });

  test("a word after a boolean flag is not its value, and a warning says so", async () => {
    using sandbox = new Sandbox();
    await Bun.write(sandbox.configPath, MINIMAL);
    const { code, stdout } = await sandbox.run(["completion", "--debug", "bash"]);
    expect(code).toBe(0);
    expect(stdout).toStartWith("# bash completion");
    const { stderr } = await sandbox.run(["list", "--debug", "false", "-c", "config.toml"]);
    expect(stderr).toContain(
      'WARNING: A boolean flag takes its value behind "=": "--debug false" is taken as true',
    );
    expect(stderr).toContain("Listing configured runners");
    const off = await sandbox.run(["list", "--debug=false", "-c", "config.toml"]);
    expect(off.code).toBe(0);
  });
});

test("the configuration file is found where GitLab Runner has it", async () => {
  using sandbox = new Sandbox();
  await Bun.write(`${sandbox.folder}/.gitlab-runner/config.toml`, MINIMAL);
  const user = await sandbox.run(["list"]);
  expect(user.stderr).toContain(`ConfigFile=${sandbox.folder}/.gitlab-runner/config.toml`);
  const root = await sandbox.run(["list"], { uid: 0, env: { CONFIG_FILE: "/none/config.toml" } });
  expect(root.stderr).toContain('"/none/config.toml"');
});

describe("completion", () => {
  test("of bash knows commands and their flags", async () => {
    using sandbox = new Sandbox();
    const { code, stdout, stderr } = await sandbox.run(["completion", "bash"], {
      calledAs: "gitlab-runner",
    });
    expect([code, stderr]).toEqual([0, ""]);
    const complete = (...words: readonly string[]) => {
      const script = `${stdout}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
_gitlab_runner; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const run = Bun.spawnSync(["bash", "-c", script], { env: { PATH: process.env["PATH"] } });
      expect(run.stderr.toString()).toBe("");
      return run.stdout.toString().trim().split("\n");
    };
    expect(complete("gitlab-runner", "un")).toEqual(["unregister"]);
    expect(complete("gitlab-runner", "verify", "--del")).toEqual(["--delete"]);
    expect(complete("gitlab-runner", "--debug", "register", "--docker-im")).toEqual([
      "--docker-image",
    ]);
    expect(complete("gitlab-runner", "--log-level", "debug", "register", "--docker-im")).toEqual([
      "--docker-image",
    ]);
    expect(complete("gitlab-runner", "list", "--log-format", "j")).toEqual(["json"]);
    expect(complete("gitlab-runner", "completion", "z")).toEqual(["zsh"]);
    expect(complete("gitlab-runner", "help", "unr")).toEqual(["unregister"]);
  });

  test.skipIf(Bun.which("zsh") === null)(
    "of zsh answers when it is loaded, finds the command behind flags, and knows values (needs zsh)",
    async () => {
      using sandbox = new Sandbox();
      const { stdout } = await sandbox.run(["completion", "zsh"], { calledAs: "gitlab-runner" });
      await Bun.write(`${sandbox.folder}/_gitlab-runner`, stdout);
      const complete = (...words: readonly string[]) => {
        const script = `fpath=(${sandbox.folder}); autoload -Uz _gitlab-runner
_describe() { print -l described $commands }; _arguments() { print -l $words[1] $@ }
words=(${words.map((word) => `'${word}'`).join(" ")}); CURRENT=$#words; _gitlab-runner`;
        return Bun.spawnSync(["zsh", "-f", "-c", script]).stdout.toString();
      };
      expect(complete("gitlab-runner", "")).toStartWith("described\nrun:");
      expect(complete("gitlab-runner", "--debug", "")).toStartWith("described\n");
      const list = complete("gitlab-runner", "--log-level", "debug", "list", "--");
      expect(list).toStartWith("list\n");
      expect(list).toMatch(/--log-format\[.*\]:value:\(runner text json\)/);
      expect(complete("gitlab-runner", "completion", "")).toContain("(bash zsh fish)");
    },
  );

  test.each(["zsh", "fish"])("of %s names every command", async (shell) => {
    using sandbox = new Sandbox();
    const { stdout } = await sandbox.run(["completion", shell]);
    for (const text of ["run", "register", "unregister", "docker-image", "delete"]) {
      expect(stdout).toContain(text);
    }
  });
});

test("register asks through a real terminal-less process", async () => {
  using sandbox = new Sandbox();
  const child = Bun.spawn([
    process.execPath,
    resolve(import.meta.dir, "child_program.ts"),
    ...["register", "-c", sandbox.configPath, "--token", "glrt-x"],
  ], { stdin: "pipe", stdout: "pipe", stderr: "pipe", cwd: sandbox.folder });
  child.stdin.write("http://127.0.0.1:1\n");
  await child.stdin.flush();
  child.stdin.write("my name\n");
  await child.stdin.end();
  const stderr = await child.stderr.text();
  expect(stderr).toContain("Enter the GitLab instance URL (for example, https://gitlab.com/):\n");
  expect(stderr).toContain("[child-host]: ");
  expect(stderr).toContain("FATAL: Failed to verify the runner.");
  expect(await child.stdout.text()).toBe("");
  expect(await child.exited).toBe(1);
});

test("what job scripts call is loaded without the parser and its weight", async () => {
  const root = resolve(import.meta.dir, "../../..");
  const starts = ["core/cli/run_cli.ts", "core/cli/run_helper.ts"];
  const packages = await packagesBehind(starts.map((file) => resolve(root, file)));
  expect(packages).toEqual([]);
});

/** Names of packages that are loaded with `files`, dynamic imports aside. */
async function packagesBehind(files: readonly string[]): Promise<string[]> {
  const packages = new Set<string>();
  const seen = new Set(files);
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  for (const file of seen) {
    const { imports } = transpiler.scan(await Bun.file(file).text());
    for (const { path, kind } of imports) {
      if (kind !== "import-statement") continue;
      if (path.startsWith(".")) seen.add(resolve(dirname(file), path));
      else if (!path.startsWith("node:")) packages.add(path);
    }
  }
  return [...packages];
}
