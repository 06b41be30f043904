/** `coordinator`: a small GitLab on this machine, for trying a runner. */

import { runCoordinatorCommand } from "../../embedded/mod.ts";
import type { Command } from "../command.ts";
import { interruptSignal } from "../interrupt.ts";

export const coordinatorCommand: Command = {
  description:
    "Speaks the part of GitLab's protocol that runners use, keeps everything in memory and shows " +
    "what a runner does with the jobs it is given. For trying runners and for plugin authors; it " +
    "is no GitLab. Prints how to connect a runner and how to enqueue a job.",
  quiet: true,
  flags: [
    {
      names: ["listen"],
      kind: "string",
      default: "127.0.0.1:8989",
      help: "Address to listen on; port 0 takes a free one",
    },
    {
      names: ["repos-dir"],
      kind: "string",
      help: "Folder of bare git repositories that jobs can fetch",
    },
    {
      names: ["long-poll"],
      kind: "int",
      default: "50",
      help: "Seconds that a request for a job is held while there is none",
    },
    {
      names: ["check-interval"],
      kind: "int",
      default: "3",
      help: "The runner's check_interval in seconds; a runner that asks more often is a finding",
    },
    {
      names: ["registration-token"],
      kind: "string",
      help: "Accept this registration token",
    },
    { names: ["json"], kind: "bool", help: "Print JSON lines" },
  ],
  examples: [
    ["coordinator", "On 127.0.0.1:8989"],
    ["coordinator --listen :0 --json", "For a script: a free port, told in JSON"],
  ],
  async run(flags, { program }) {
    using interrupt = interruptSignal(program);
    const reposDir = flags.text("repos-dir");
    const registrationToken = flags.text("registration-token");
    await runCoordinatorCommand({
      listen: flags.text("listen") ?? "127.0.0.1:8989",
      ...(reposDir === undefined ? {} : { reposDir }),
      ...(registrationToken === undefined ? {} : { registrationToken }),
      longPollSeconds: flags.int("long-poll") ?? 50,
      checkIntervalSeconds: flags.int("check-interval") ?? 3,
      json: flags.bool("json"),
      out: (line) => program.stdout.write(`${line}\n`),
      signal: interrupt.signal,
    });
    return 0;
  },
};
