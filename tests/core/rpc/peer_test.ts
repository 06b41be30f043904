import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { messageOf } from "../../../core/errors.ts";
import { Peer, type RpcCodec } from "../../../core/rpc/peer.ts";
import { linkedPair, type Transport } from "../../../core/rpc/transport.ts";

const codec: RpcCodec = {
  encodeError: (error) => ({ code: -32000, message: messageOf(error) }),
  decodeError: ({ code, message }) => new Error(`${code} ${message}`),
  encodeReason: (reason) => ({ message: messageOf(reason) }),
  decodeReason: (reason) => new Error(z.object({ message: z.string() }).parse(reason).message),
};

const double = { name: "double", params: z.object({ n: z.number() }), result: z.number() };
const nap = { name: "nap", params: z.object({}), result: z.object({}) };
const note = { name: "note", params: z.object({ text: z.string() }) };

/** Two peers that talk, and what became of them. */
function pair() {
  const [left, right] = linkedPair();
  const [asker, server] = [new Peer(left, codec), new Peer(right, codec)];
  const ends = Promise.allSettled([asker.run(), server.run()]);
  return { asker, server, ends };
}

/** A peer whose other side is written by hand. */
function scripted() {
  const [left, right] = linkedPair();
  const peer = new Peer(left, codec);
  return { peer, other: right, end: peer.run().then(() => "closed", messageOf) };
}

async function nextLine(other: Transport): Promise<unknown> {
  for await (const line of other.lines) return JSON.parse(line);
  return undefined;
}

describe("Peer", () => {
  test("answers requests out of order, each with its own result", async () => {
    const { asker, server } = pair();
    server.handle(double, async ({ n }) => {
      await Bun.sleep(n === 1 ? 20 : 0);
      return 2 * n;
    });
    const answers = await Promise.all([1, 2, 3].map((n) => asker.request(double, { n })));
    expect(answers).toEqual([2, 4, 6]);
  });

  test("hands on what a handler throws", async () => {
    const { asker, server } = pair();
    server.handle(double, () => {
      throw new Error("no");
    });
    await expect(asker.request(double, { n: 1 })).rejects.toThrow("-32000 no");
  });

  test("refuses unknown methods and wrong parameters, and goes on", async () => {
    const { asker, server } = pair();
    server.handle(double, ({ n }) => 2 * n);
    await expect(asker.request(nap, {})).rejects.toThrow('-32601 There is no method "nap"');
    const wrong = { ...double, params: z.object({ n: z.string() }) };
    await expect(asker.request(wrong, { n: "x" })).rejects.toThrow("-32602");
    expect(await asker.request(double, { n: 4 })).toBe(8);
  });

  test("asks the other side to stop, and rejects with the reason once it has", async () => {
    const { asker, server } = pair();
    const seen: string[] = [];
    server.handle(nap, async (_params, { signal }) => {
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener("abort", async () => {
        await Bun.sleep(10);
        seen.push(messageOf(signal.reason));
        reject(signal.reason);
      });
      return await promise;
    });
    const stop = new AbortController();
    const asked = asker.request(nap, {}, { signal: stop.signal });
    await Bun.sleep(5);
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await asked.catch((error) => error)).toBe(reason);
    expect(seen).toEqual(["enough"]);
  });

  test("gives up on an answer that does not come, and ignores it when it does", async () => {
    const { peer, other } = scripted();
    const late = peer.request(nap, {}, { limitMs: 10 });
    await expect(late).rejects.toThrow('"nap" was not answered within 0.01 seconds');
    other.send('{"jsonrpc":"2.0","id":1,"result":{}}');
    const asked = peer.request(double, { n: 1 });
    other.send('{"jsonrpc":"2.0","id":2,"result":7}');
    expect(await asked).toBe(7);
  });

  test("ends pending requests and running handlers with the connection", async () => {
    const { asker, server, ends } = pair();
    const aborted = Promise.withResolvers<string>();
    server.handle(nap, (_params, { signal }) => {
      signal.addEventListener("abort", () => aborted.resolve(messageOf(signal.reason)));
      return new Promise<never>(() => {});
    });
    const asked = asker.request(nap, {}).catch(messageOf);
    await Bun.sleep(5);
    asker.close(new Error("over"));
    expect(await asked).toBe("over");
    expect(await aborted.promise).toBe("The other side has closed the connection");
    await ends;
    await expect(server.request(nap, {})).rejects.toThrow("has closed");
  });

  test("takes notifications in their order, and ignores unknown ones", async () => {
    const { asker, server } = pair();
    const texts: string[] = [];
    server.on(note, ({ text }) => texts.push(text));
    server.handle(nap, () => ({}));
    for (const text of ["a", "b", "c"]) asker.notify(note, { text });
    asker.notify({ name: "unknown", params: z.object({}) }, {});
    await asker.request(nap, {});
    expect(texts).toEqual(["a", "b", "c"]);
  });

  test("lets everything else have its turns while lines come without end", async () => {
    const { peer, other, end } = scripted();
    for (let n = 0; n < 100_000; n++) other.send('{"jsonrpc":"2.0","method":"unknown"}');
    other.close();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await end;
    clearInterval(timer);
    expect(peer.closed).toBe(true);
    expect(turns).toBeGreaterThan(5);
  });

  test.each([
    ["garbage", "It is no JSON"],
    ['{"id":1}', "It is no JSON-RPC 2.0 message"],
    ['{"jsonrpc":"2.0","id":99,"result":1}', "It answers the request 99, which was never sent"],
    [
      '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}',
      "It cannot read what it is sent: x",
    ],
    ['{"jsonrpc":"2.0","method":"note","params":{}}', 'The parameters of "note" are wrong'],
    ['{"jsonrpc":"2.0"}', "It is neither request nor answer"],
  ])("ends the connection for %s", async (line, why) => {
    const { peer, other, end } = scripted();
    peer.on(note, () => {});
    other.send(line);
    expect(await end).toContain(why);
  });

  test("ends the connection for an answer of the wrong shape", async () => {
    const { peer, other } = scripted();
    const asked = peer.request(double, { n: 1 });
    expect(await nextLine(other)).toMatchObject({ id: 1, method: "double", params: { n: 1 } });
    other.send('{"jsonrpc":"2.0","id":1,"result":"two"}');
    await expect(asked).rejects.toThrow('The answer to "double" is wrong');
    await expect(peer.request(double, { n: 1 })).rejects.toThrow("is wrong");
  });
});
