/** What holds for plugins that announce terminals. */

import { isDeepStrictEqual } from "node:util";
import type { Terminal } from "../../executor.ts";
import type { TerminalSize } from "../../util/process_pty.ts";
import { delay } from "../../util/abort.ts";
import {
  type CheckBench,
  type CheckJob,
  NEVER,
  openJob,
  running,
  uniqueNap,
  until,
} from "./bench.ts";
import { type CheckCase, endOf } from "./check_case.ts";
import { CheckFailure, expectEqual, expectTrue } from "./expect.ts";

const SIZE: TerminalSize = { columns: 100, rows: 30 };

export const TERMINAL_CASES: readonly CheckCase[] = [
  onTerminal("a program has a terminal of its own, in the window's size", async (job) => {
    const script = "test -t 1 && test -t 2 && (: </dev/tty) && stty size </dev/tty; exit 7";
    const { text, ended } = await open(job, script);
    expectEqual("its end", endOf(await ended), { kind: "exited", code: 7 });
    expectEqual("what it shows", text(), "30 100\r\n");
  }),
  onTerminal(
    "what is typed reaches the program, byte by byte, and what it shows comes back",
    async (job) => {
      const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
      const script = "exec </dev/tty; stty raw -echo; printf ready; head -c 100000 | cksum; exit 0";
      const { terminal, text, ended } = await open(job, script);
      await until(() => text().includes("ready"), "the program is ready");
      await terminal.write(bytes);
      expectEqual("its end", endOf(await ended), { kind: "exited", code: 0 });
      expectTrue(
        `the checksum is another: ${text()}`,
        text().includes(`ready${cksum(bytes)} 100000`),
      );
    },
  ),
  onTerminal("a program learns that its window has another size", async (job) => {
    const script =
      `trap 'stty size </dev/tty; exit 0' WINCH; printf ready; while :; do sleep 0.05; done`;
    const { terminal, text, ended } = await open(job, script);
    await until(() => text().includes("ready"), "the program is ready");
    terminal.resize({ columns: 60, rows: 20 });
    await ended;
    expectTrue(`it shows: ${text()}`, text().includes("20 60"));
  }),
  onTerminal("a person at a shell can interrupt a command, and goes on", async (job) => {
    const shell = job.environment.shell === "bash" ? "bash --norc -i" : "sh -i";
    const script = `PS1='> ' exec ${shell} <>/dev/tty >&0 2>&0`;
    const { terminal, text, ended } = await open(job, script);
    const type = (line: string) => terminal.write(new TextEncoder().encode(line));
    await type(`sh -c 'echo u''p; exec sleep ${uniqueNap()}'\n`);
    await until(() => text().includes("up\r\n"), "the command runs");
    await type("\x03");
    await type("exit 3\n");
    const end = endOf(await ended);
    expectTrue(`it shows: ${text()}`, isDeepStrictEqual(end, { kind: "exited", code: 3 }));
  }),
  onTerminal("a flood waits for a slow window, and none of it is lost", async (job) => {
    let [bytes, inFlight, most] = [0, 0, 0];
    const write = async (chunk: Uint8Array) => {
      most = Math.max(most, ++inFlight);
      bytes += chunk.length;
      await delay(1);
      inFlight--;
    };
    const script = "stty -opost </dev/tty; head -c 5000000 /dev/zero";
    const { ended } = await open(job, script, write);
    expectEqual("its end", endOf(await ended), { kind: "exited", code: 0 });
    expectEqual("bytes, pieces at once", [bytes, most], [5_000_000, 1]);
  }),
  onTerminal("a window that is closed ends the program with all that it started", async (job) => {
    const naps = [uniqueNap(), uniqueNap()];
    const script = `setsid sleep ${naps[0]} & sleep ${naps[1]} & printf ready; wait`;
    const window = new AbortController();
    const { text, ended } = await open(job, script, undefined, window.signal);
    await until(() => text().includes("ready"), "the program has begun");
    const reason = new CheckFailure("the window was closed");
    window.abort(reason);
    expectEqual("what it rejects with", await ended.then(() => "resolved", (why) => why), reason);
    expectEqual("left running", await running(job, naps), []);
  }),
  onTerminal("a stage runs beside a terminal, and neither ends the other", async (job) => {
    const script = "exec </dev/tty; printf ready; read -r word; echo got $word; exit 0";
    const { terminal, text, ended } = await open(job, script);
    await until(() => text().includes("ready"), "the program is ready");
    expectEqual("the stage's end", endOf(await job.run("exit 4")), { kind: "exited", code: 4 });
    await terminal.write(new TextEncoder().encode("word\n"));
    expectEqual("its end", endOf(await ended), { kind: "exited", code: 0 });
    expectTrue(`it shows: ${text()}`, text().includes("got word"));
  }),
  {
    name: "dispose ends an open terminal",
    needs: "terminal",
    async run(bench) {
      const job = await openJob(bench);
      const { text, ended } = await open(job, `printf ready; sleep ${uniqueNap()}`);
      await until(() => text().includes("ready"), "the program has begun");
      await job[Symbol.asyncDispose]();
      expectEqual("its end", await ended.then(() => "resolved", () => "rejected"), "rejected");
    },
  },
];

function onTerminal(name: string, check: (job: CheckJob) => Promise<void>): CheckCase {
  return {
    name,
    needs: "terminal",
    async run(bench: CheckBench) {
      await using job = await openJob(bench);
      await check(job);
    },
  };
}

async function open(
  { executor, command }: CheckJob,
  code: string,
  write?: (bytes: Uint8Array) => Promise<void>,
  signal = NEVER,
): Promise<{ terminal: Terminal; text: () => string; ended: Terminal["ended"] }> {
  if (executor.openTerminal === undefined) throw new CheckFailure("it has no terminals");
  const chunks: Uint8Array[] = [];
  const keep = (bytes: Uint8Array) => void chunks.push(bytes.slice());
  const terminal = await executor.openTerminal(command(code), {
    output: { write: write ?? keep },
    size: SIZE,
    signal,
  });
  return { terminal, text: () => Buffer.concat(chunks).toString(), ended: terminal.ended };
}

/** As `cksum` of POSIX counts it: a CRC over the bytes and then their number. */
function cksum(bytes: Uint8Array): number {
  let crc = 0;
  const add = (byte: number) => {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  };
  bytes.forEach(add);
  for (let rest = bytes.length; rest > 0; rest >>>= 8) add(rest & 0xff);
  return ~crc >>> 0;
}
