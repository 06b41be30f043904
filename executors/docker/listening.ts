/** Whether something in a container waits for connections from other containers. */

import { type Engine, EngineError } from "./engine/mod.ts";

/** Of its own network: one line for each socket, state `0A` for those that listen. */
const SOCKETS: readonly string[] = ["cat", "/proc/net/tcp", "/proc/net/tcp6"];

/** Undefined: its image has nothing to ask with. */
export async function isListening(
  id: string,
  { engine, signal }: { engine: Pick<Engine, "exec">; signal: AbortSignal },
): Promise<boolean | undefined> {
  const chunks: Uint8Array[] = [];
  const output = { write: (bytes: Uint8Array) => void chunks.push(bytes.slice()) };
  try {
    await engine.exec(id, { argv: SOCKETS }, { output, signal });
  } catch (error) {
    // It has ended, or engines like podman refuse a program that is not there.
    if (signal.aborted || error instanceof EngineError && error.kind === "unreachable") throw error;
    return undefined;
  }
  const text = Buffer.concat(chunks).toString();
  if (!text.includes("local_address")) return undefined;
  return text.split("\n").some(isOpenToOthers);
}

/** `0: 0B00007F:A2B1 00000000:0000 0A …`: a loopback's address, its bytes turned round, ends so. */
function isOpenToOthers(line: string): boolean {
  const [, local = "", , state] = line.trim().split(/\s+/);
  if (state !== "0A") return false;
  const [address = ""] = local.split(":");
  return !/^(?:.{6}7F|0{24}01000000|0{16}FFFF0000.{6}7F)$/.test(address);
}
