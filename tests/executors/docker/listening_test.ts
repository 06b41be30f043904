import { expect, test } from "bun:test";
import { isListening } from "../../../executors/docker/listening.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n";
const V6 = (last: string) => "0".repeat(24) + last;
const signal = new AbortController().signal;

function answer(text: string) {
  const exec = async (
    _id: string,
    _request: object,
    { output }: { output: { write: unknown } },
  ) => {
    await (output.write as (bytes: Uint8Array) => void)(Buffer.from(text));
    return { exitCode: 0, error: undefined };
  };
  return isListening("id", { engine: { exec }, signal });
}

const line = (local: string, state = "0A") =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000\n`;

test.each<[string, string, boolean]>([
  ["every address", line("00000000:1F90"), true],
  ["one of its own addresses", line("020011AC:1F90"), true],
  ["every address of IPv6", line(`${V6("00000000")}:1F90`), true],
  ["its loopback", line("0100007F:1F90"), false],
  ["the engine's name server", line("0B00007F:A2B1"), false],
  ["its loopback of IPv6", line(`${V6("01000000")}:1F90`), false],
  ["its loopback by way of IPv6", line("0000000000000000FFFF00000100007F:1F90"), false],
  ["nothing: it is connected to somebody", line("020011AC:1F90", "01"), false],
  ["nothing", "", false],
])("isListening() where something listens on %s", async (_where, lines, expected) => {
  expect(await answer(HEAD + lines)).toBe(expected);
});

test("isListening() cannot tell without a program to ask with", async () => {
  expect(await answer('exec: "cat": executable file not found in $PATH')).toBeUndefined();
});
