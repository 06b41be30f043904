import { expect, test } from "bun:test";
import { Prompter } from "../../../../core/cli/register/prompter.ts";
import type { TextInput } from "../../../../core/cli/program.ts";

/** A terminal on which keys arrive one chunk at a time. */
function terminal(...chunks: readonly string[]) {
  const modes: boolean[] = [];
  let shown = "";
  const input: TextInput = {
    isTTY: true,
    setRawMode: (raw) => modes.push(raw),
    async *[Symbol.asyncIterator]() {
      yield* chunks;
    },
  };
  const output = { write: (text: string) => shown += text };
  const { signal } = new AbortController();
  return { prompter: new Prompter({ input, output, signal }), modes, shown: () => shown };
}

test("Prompter reads a secret unseen, with corrections", async () => {
  const { prompter, modes, shown } = terminal("tok", "em\x7f", "n", "\rnext line\n");
  expect(await prompter.ask({ text: "Token:", secret: true })).toBe("token");
  expect(modes).toEqual([true, false]);
  expect(shown()).toBe("Token:\n\n");
  expect(await prompter.ask({ text: "Name:" })).toBe("next line");
});

test("Prompter lets Ctrl-C end a secret, and the terminal echoes again", async () => {
  const { prompter, modes } = terminal("tok\x03en\r");
  await expect(prompter.ask({ text: "Token:", secret: true })).rejects.toThrow("Interrupted");
  expect(modes).toEqual([true, false]);
});

test("Prompter gives up a question when its signal aborts", async () => {
  const controller = new AbortController();
  const next = () => new Promise<never>(() => {});
  const input = { [Symbol.asyncIterator]: () => ({ next }) };
  const prompter = new Prompter({ input, output: { write() {} }, signal: controller.signal });
  const asked = prompter.ask({ text: "Name:" });
  controller.abort(new Error("stop"));
  await expect(asked).rejects.toThrow("stop");
});

test("Prompter joins a line and a character split over chunks", async () => {
  const bytes = new TextEncoder().encode("héllo\n");
  const input = {
    async *[Symbol.asyncIterator]() {
      yield bytes.subarray(0, 2);
      yield bytes.subarray(2);
    },
  };
  const { signal } = new AbortController();
  const prompter = new Prompter({ input, output: { write() {} }, signal });
  expect(await prompter.ask({ text: "Name:" })).toBe("héllo");
});
