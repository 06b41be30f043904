import { describe, expect, test } from "bun:test";
import { pump } from "../../../../executors/docker/engine/output_streams.ts";
import { StreamDemultiplexer } from "../../../../executors/docker/engine/stream_demultiplexer.ts";

function frame(stream: number, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = stream;
  new DataView(bytes.buffer).setUint32(4, payload.length);
  bytes.set(payload, 8);
  return bytes;
}

function gathering() {
  const got = { stdout: "", stderr: "" };
  const sink = {
    write(bytes: Uint8Array, stream: "stdout" | "stderr" = "stdout") {
      got[stream] += new TextDecoder().decode(bytes);
      return undefined;
    },
  };
  return { got, demultiplexer: new StreamDemultiplexer(sink) };
}

const WHOLE = Buffer.concat([frame(1, "one "), frame(2, "err"), frame(1, ""), frame(1, "two")]);

describe("StreamDemultiplexer", () => {
  test("puts frames together that are split at any two bytes", async () => {
    for (let first = 0; first <= WHOLE.length; first++) {
      for (let second = first; second <= WHOLE.length; second++) {
        const { got, demultiplexer } = gathering();
        await demultiplexer.write(WHOLE.subarray(0, first));
        await demultiplexer.write(WHOLE.subarray(first, second));
        await demultiplexer.write(WHOLE.subarray(second));
        expect(got).toEqual({ stdout: "one two", stderr: "err" });
        expect(demultiplexer.isComplete).toBe(true);
      }
    }
  });

  test("takes single bytes", async () => {
    const { got, demultiplexer } = gathering();
    for (const byte of WHOLE) await demultiplexer.write(Uint8Array.of(byte));
    expect(got).toEqual({ stdout: "one two", stderr: "err" });
  });

  test("knows a stream that was cut off in a header or a payload", async () => {
    for (let end = 1; end < frame(1, "text").length; end++) {
      const { demultiplexer } = gathering();
      await demultiplexer.write(frame(1, "text").subarray(0, end));
      expect(demultiplexer.isComplete).toBe(false);
      const cut = (async function* () {
        yield frame(1, "text").subarray(0, end);
      })();
      await expect(pump(cut, { write: () => undefined }, "frames"))
        .rejects.toMatchObject({ kind: "unreachable" });
    }
  });

  test("waits for the sink before it hands on more", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let writes = 0;
    const demultiplexer = new StreamDemultiplexer({
      write() {
        writes += 1;
        return promise;
      },
    });
    const done = demultiplexer.write(Buffer.concat([frame(1, "a"), frame(1, "b")]));
    await Bun.sleep(1);
    expect(writes).toBe(1);
    resolve();
    await done;
    expect(writes).toBe(2);
  });

  test("throws the engine's own error and refuses what is no stream", async () => {
    await expect(gathering().demultiplexer.write(frame(3, "the disk is gone\n")))
      .rejects.toMatchObject({ kind: "server", message: "the disk is gone" });
    await expect(gathering().demultiplexer.write(Buffer.from("plain text of a terminal")))
      .rejects.toMatchObject({ kind: "server" });
  });
});
