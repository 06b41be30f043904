import { describe, expect, test } from "bun:test";
import { openProcessStream } from "../../../core/util/process_stream.ts";
import { isAlive } from "../../fixtures/processes.ts";

describe("openProcessStream", () => {
  const open = (code: string) =>
    openProcessStream({
      argv: ["/bin/sh", "-c", code],
      env: { PATH: process.env["PATH"] ?? "" },
      failure: (why, hasAnswered) => new Error(`${hasAnswered ? "after" : "before"}: ${why}`),
    });
  const read = async (stream: ReturnType<typeof open>) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };

  test("gives back what comes after the input has ended", async () => {
    const stream = open("wc -c; sleep 0.1; echo after");
    stream.write(new Uint8Array(500_000));
    stream.end();
    expect((await read(stream)).split(/\s+/)).toEqual(["500000", "after", ""]);
  });

  test("a failing program is told in its own words, and whether it had answered", async () => {
    await expect(read(open("echo no such host >&2; exit 3")))
      .rejects.toThrow('before: "/bin/sh" ended with exit code 3: no such host');
    await expect(read(open("echo answer; exit 1"))).rejects.toThrow("after: ");
  });

  test("a write to a program that has ended tells how it ended", async () => {
    const stream = open("exec <&-; echo gone >&2; sleep 0.1; exit 9");
    const { promise, resolve } = Promise.withResolvers<unknown>();
    stream.write(new Uint8Array(1_000_000), resolve);
    expect(await promise).toMatchObject({ message: expect.stringContaining("gone") });
  });

  test("something left in the background does not hold up the end", async () => {
    const quiet = "</dev/null >/dev/null";
    expect(await read(open(`echo done; sleep 3 ${quiet} &`))).toBe("done\n");
    await expect(read(open(`echo bad >&2; sleep 3 ${quiet} & exit 1`))).rejects.toThrow("1: bad");
  }, 2500);

  test("destroying it ends the program", async () => {
    const stream = open("echo $$; exec sleep 100");
    const pid = Number(await new Promise((resolve) => stream.once("data", resolve)));
    stream.destroy();
    for (let waits = 0; waits < 100 && isAlive(pid); waits++) await Bun.sleep(20);
    expect(isAlive(pid)).toBe(false);
  });
});
