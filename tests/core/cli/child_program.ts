/** The command line as a process of its own, with this process's streams. */

import { runCli } from "../../../core/cli/run_cli.ts";
import { Registry } from "../../../core/registry.ts";
import { namedExecutor } from "./fixture.ts";

process.exitCode = await runCli(process.argv.slice(2), {
  calledAs: "runner",
  env: {},
  cwd: process.cwd(),
  platform: process.platform,
  uid: process.getuid?.(),
  home: process.cwd(),
  hostname: "child-host",
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  executors: () => Promise.resolve(new Registry("executor", [namedExecutor("shell")])),
  plugins: {},
  pluginTools: () => Promise.reject(new Error("not here")),
  shells: () => Promise.resolve(new Registry("shell", [])),
  commands: [],
  signals: {
    on(signal, listener) {
      process.on(signal, listener);
      return () => void process.off(signal, listener);
    },
  },
  chdir: (directory) => process.chdir(directory),
});
