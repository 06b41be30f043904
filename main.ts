/** Composition root: the world outside, and the tables of executors and shells, to the command line. */

import { hostname } from "node:os";
import { basename } from "node:path";
import { MANAGE } from "./core/cli/commands.ts";
import { complain } from "./core/cli/complain.ts";
import { fileOutput } from "./core/cli/file_output.ts";
import { runCli } from "./core/cli/run_cli.ts";
import type { Program } from "./core/cli/program.ts";
import { homeDirectory, workingDirectory } from "./core/util/whereabouts.ts";

// What would weaken TLS or print tokens goes before anything else looks at the environment.
delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
delete process.env["BUN_CONFIG_VERBOSE_FETCH"];
// An empty HOME is as good as none to the programs that jobs start.
const home = homeDirectory(process.env);
if (home !== "") process.env["HOME"] = home;

const program: Program = {
  calledAs: basename(process.argv0).replace(/\.exe$/i, ""),
  env: process.env,
  cwd: workingDirectory(process.env),
  platform: process.platform,
  uid: process.getuid?.(),
  home,
  hostname: hostname(),
  get stdin() {
    return process.stdin;
  },
  stdout: fileOutput(1, () => process.stdout),
  stderr: fileOutput(2, () => process.stderr),
  executors: async ({ user, only, local = false } = {}) => {
    const { Registry } = await import("./core/registry.ts");
    const { ShellExecutorProvider } = await import("./executors/shell/mod.ts");
    const { env, execPath: executable } = process;
    const directory = workingDirectory(env);
    const shell = new ShellExecutorProvider({ env, workingDirectory: directory, user });
    if (only === "shell") return new Registry("executor", [shell]);
    const { DockerExecutorProvider } = await import("./executors/docker/mod.ts");
    const docker = new DockerExecutorProvider({ env, home: program.home, oneContainer: local });
    if (only === "docker") return new Registry("executor", [shell, docker]);
    const { builtInPlugin, externalPlugin, PluginMarks } = await import(
      "./executors/plugin/mod.ts"
    );
    const { SshExecutorProvider } = await import("./executors/ssh/mod.ts");
    const { DockerSshExecutorProvider } = await import("./executors/docker_ssh/mod.ts");
    const builtIn = ["shell", "docker", "ssh", "docker-ssh", "custom"];
    const ssh = new SshExecutorProvider({ env, home: program.home, executable });
    const plugins = { env, executable, marks: new PluginMarks() };
    return new Registry("executor", [
      shell,
      docker,
      ssh,
      new DockerSshExecutorProvider({ docker, ssh }),
      builtInPlugin("custom", plugins),
    ], (name) => externalPlugin(name, { ...plugins, builtIn }));
  },
  pluginTools: async () => {
    const { pluginTools } = await import("./executors/plugin/mod.ts");
    const log = (line: string) => void program.stderr.write(line);
    const { env, execPath: executable } = process;
    const pythonSdk = async () => {
      const { default: text } = await import("./sdk/python/runner_plugin.py", {
        with: { type: "text" },
      });
      return text;
    };
    return pluginTools({ env, executable, shells: await program.shells(), log, pythonSdk });
  },
  plugins: {
    custom: async () => (await import("./plugins/custom/main.ts")).serveCustom(process.env),
  },
  shells: async () => {
    const { Registry } = await import("./core/registry.ts");
    const { bash, sh } = await import("./shells/bash.ts");
    return new Registry("shell", [bash, sh]);
  },
  commands: [
    {
      name: "helper-image",
      group: MANAGE,
      summary: "Make, save or load the helper image of the docker executor",
      load: async () => (await import("./executors/docker/mod.ts")).helperImageCommand,
    },
  ],
  signals: {
    on(signal, listener) {
      process.on(signal, listener);
      return () => process.off(signal, listener);
    },
  },
  chdir: (directory) => process.chdir(directory),
};

// A fault of ours that nobody waits for must not end the jobs that run; any other ends the process.
process.on("unhandledRejection", (error) => complain(error, program));
process.on("uncaughtException", (error) => fail(error));

try {
  process.exit(await runCli(process.argv.slice(2), program));
} catch (error) {
  fail(error);
}

function fail(error: unknown): never {
  complain(error, program);
  process.exit(1);
}
