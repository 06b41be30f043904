import { describe, expect, test } from "bun:test";
import { openSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PtyCommand, runOnPty } from "../../../core/util/process_pty.ts";
import { isRunning, until } from "../../conformance/executor_suite.ts";
import { uniqueNap } from "../../../core/plugin/check/bench.ts";

const NEVER = new AbortController().signal;

function command(script: string, values: Partial<PtyCommand> = {}): PtyCommand {
  return {
    argv: ["sh", "-c", script],
    cwd: tmpdir(),
    env: { PATH: process.env["PATH"] ?? "" },
    mark: { name: "PTY_TEST_MARK", value: crypto.randomUUID() },
    size: { columns: 90, rows: 25 },
    output: () => undefined,
    graceMs: () => 5000,
    ...values,
  };
}

function kept() {
  const chunks: Uint8Array[] = [];
  return {
    output: (bytes: Uint8Array) => void chunks.push(bytes.slice()),
    text: () => Buffer.concat(chunks).toString(),
  };
}

describe("runOnPty()", () => {
  test("gives the program a controlling terminal and its standard input to the script", async () => {
    const path = join(tmpdir(), `pty-${crypto.randomUUID()}`);
    writeFileSync(path, "test -t 0 && echo terminal; stty size </dev/tty; exit 9\n");
    const { output, text } = kept();
    const stdin = openSync(path, "r");
    const pty = runOnPty(command("", { argv: ["sh"], stdin, output }), { signal: NEVER });
    expect(await pty.ended).toEqual({ kind: "exited", code: 9 });
    expect(text()).toBe("25 90\r\n");
    await Bun.file(path).delete();
  });

  test("tells that what is typed was taken, in pieces of any length", async () => {
    const { output, text } = kept();
    const lengths = [1, 100, 4095, 4096, 5000, 16_384, 65_536];
    const all = lengths.reduce((sum, length) => sum + length);
    const script = `stty raw -echo; printf ready; head -c ${all} | wc -c`;
    const pty = runOnPty(command(script, { output }), { signal: NEVER });
    await until(() => text() === "ready");
    for (const length of lengths) await pty.write(new Uint8Array(length));
    expect(await pty.ended).toEqual({ kind: "exited", code: 0 });
    expect(text()).toBe(`ready${all}\n`);
  });

  test("reports the signal that ended the program", async () => {
    const pty = runOnPty(command("kill -9 $$"), { signal: NEVER });
    expect(await pty.ended).toEqual({ kind: "signalled", signal: "SIGKILL" });
  });

  test("lets a program that floods a slow window wait", async () => {
    let [bytes, waiting, most] = [0, 0, 0];
    const before = process.memoryUsage.rss();
    const output = async (chunk: Uint8Array) => {
      most = Math.max(most, ++waiting);
      bytes += chunk.length;
      if (bytes % 64 === 0) await Bun.sleep(1);
      waiting--;
    };
    const script = "stty -opost; head -c 30000000 /dev/zero";
    const pty = runOnPty(command(script, { output }), { signal: NEVER });
    expect(await pty.ended).toEqual({ kind: "exited", code: 0 });
    expect([bytes, most]).toEqual([30_000_000, 1]);
    Bun.gc(true);
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 1024 * 1024);
  });

  test("stops reading while the window takes nothing", async () => {
    const { promise: taken, resolve: take } = Promise.withResolvers<void>();
    let bytes = 0;
    const stop = new AbortController();
    const output = async (chunk: Uint8Array) => {
      bytes += chunk.length;
      await taken;
    };
    const script =
      `i=0; while [ $i -lt 20000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done >/dev/tty; echo end > $MARKER; sleep 100`;
    const marker = join(tmpdir(), `pty-${crypto.randomUUID()}`);
    const env = { PATH: process.env["PATH"] ?? "", MARKER: marker };
    const pty = runOnPty(command(script, { output, env }), { signal: stop.signal });
    await until(() => bytes > 0);
    await Bun.sleep(500);
    expect(await Bun.file(marker).exists()).toBe(false);
    take();
    for (let tries = 0; tries < 200 && !await Bun.file(marker).exists(); tries++) {
      await Bun.sleep(10);
    }
    expect(await Bun.file(marker).exists()).toBe(true);
    stop.abort(new Error("enough"));
    await expect(pty.ended).rejects.toThrow("enough");
    await Bun.file(marker).delete();
  });

  test("hangs up when aborted, and ends what does not listen", async () => {
    const [deaf, heir] = [uniqueNap(), uniqueNap()];
    const stop = new AbortController();
    const script = `trap '' HUP; (setsid sleep ${heir} &) ; sleep ${deaf}`;
    const pty = runOnPty(command(script, { graceMs: () => 100 }), { signal: stop.signal });
    await until(() => isRunning(deaf) && isRunning(heir));
    const reason = new Error("closed");
    stop.abort(reason);
    expect(await pty.ended.catch((error) => error)).toBe(reason);
    expect([isRunning(deaf), isRunning(heir)]).toEqual([false, false]);
  });

  test("ends the program when its window fails", async () => {
    const nap = uniqueNap();
    const output = () => Promise.reject(new Error("the window is gone"));
    const pty = runOnPty(command(`echo x; sleep ${nap}`, { output }), { signal: NEVER });
    await expect(pty.ended).rejects.toThrow("the window is gone");
    expect(isRunning(nap)).toBe(false);
  });

  test("fails when its window fails at the program's last words", async () => {
    const [ended, window] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const output = async () => {
      window.resolve();
      await ended.promise;
      throw new Error("the window is gone");
    };
    const pty = runOnPty(command("echo last words", { output }), { signal: NEVER });
    await window.promise;
    // Long enough for the program to be seen off: only the window is waited for now.
    await Bun.sleep(500);
    ended.resolve();
    await expect(pty.ended).rejects.toThrow("the window is gone");
  });

  test("says which program cannot be started", () => {
    expect(() => runOnPty(command("", { argv: ["/no/such"] }), { signal: NEVER }))
      .toThrow('Cannot start "/no/such" on a terminal');
  });
});
