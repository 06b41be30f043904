import { expect, test } from "bun:test";
import { ServiceLog } from "../../../executors/docker/service_log.ts";

function gathered() {
  const writes: string[] = [];
  const log = new ServiceLog(["db", "db-1"], {
    write: (bytes, stream) => void writes.push(`${stream} ${Buffer.from(bytes)}`),
  });
  const write = (text: string, stream?: "stdout" | "stderr") =>
    log.write(Buffer.from(text), stream);
  return { log, writes, write };
}

const line = (text: string) => `\x1b[0;90m[service:db-db-1] ${text}\x1b[0;m\n`;

test("ServiceLog hands on whole lines only, each with the service's names", async () => {
  const { log, writes, write } = gathered();
  write("one\ntw");
  write("o\n\nrest");
  expect(writes).toEqual([
    `services ${line("one")}`,
    `services ${line("two")}${line("")}`,
  ]);
  await log.end();
  expect(writes.slice(2)).toEqual([`services ${line("rest")}`]);
  await log.end();
  expect(writes).toHaveLength(3);
});

test("ServiceLog never mixes both streams in one line", () => {
  const { writes, write } = gathered();
  write("out ", "stdout");
  write("error\n", "stderr");
  write("put\n", "stdout");
  expect(writes).toEqual([`services ${line("error")}`, `services ${line("out put")}`]);
});

test("ServiceLog goes on in the next line when one is longer than its limit", async () => {
  const { log, writes, write } = gathered();
  write("x".repeat(40_000));
  await log.end();
  expect(writes.join("").match(/x+/g)?.map((text) => text.length)).toEqual([16384, 16384, 7232]);
});
