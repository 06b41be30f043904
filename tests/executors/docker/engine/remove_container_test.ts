import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectEngine } from "../../../../executors/docker/engine/mod.ts";

const WORDS =
  "cannot remove container c as it could not be stopped: sending SIGKILL to container " +
  "c: container state improper: stopped";

/** An engine that answers one removal after the other so; resolves with how many it was asked for. */
async function remove(answers: readonly Response[]): Promise<number> {
  const socket = join(tmpdir(), `engine-${crypto.randomUUID()}.sock`);
  let asked = 0;
  const server = Bun.serve({
    unix: socket,
    fetch({ method }) {
      if (method === "DELETE") return answers[asked++] ?? new Response("", { status: 204 });
      return new Response("OK", { headers: { "Api-Version": "1.41" } });
    },
  });
  await using engine = connectEngine({ host: `unix://${socket}`, env: {} });
  try {
    await engine.removeContainer("c", { signal: AbortSignal.timeout(5000) });
    return asked;
  } finally {
    await server.stop(true);
    rmSync(socket, { force: true });
  }
}

const refusal = (message: string) => Response.json({ message }, { status: 500 });

test("removeContainer asks podman again where the container has ended by itself meanwhile", async () => {
  expect(await remove([refusal(WORDS)])).toBe(2);
  expect(await remove([])).toBe(1);
});

test("removeContainer throws what else an engine says", async () => {
  await expect(remove([refusal("disk is full")])).rejects.toThrow("disk is full");
  await expect(remove([refusal(WORDS), refusal(WORDS)])).rejects.toThrow("state improper");
});
