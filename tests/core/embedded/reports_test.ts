import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { dotenvVariables, refusalOfReport } from "../../../core/embedded/reports.ts";

function variablesOf(...files: readonly (string | Uint8Array)[]) {
  return Object.fromEntries(dotenvVariables(Buffer.concat(files.map((file) => gzipSync(file)))));
}

function refusal(type: string, content: string | Uint8Array): string | undefined {
  const path = join(tmpdir(), `report-${crypto.randomUUID()}`);
  const bytes = gzipSync(content);
  writeFileSync(path, bytes);
  try {
    return refusalOfReport({ type, size: bytes.length, path });
  } finally {
    rmSync(path);
  }
}

test("dotenvVariables() reads keys and values as they are, the last of one key wins", () => {
  const text =
    "A=1\nB=two words \r\nC=\"quoted\"\nD='single'\nE=\nA=3\nF=a=b\n G =1 # no comment\n";
  expect(variablesOf(text)).toEqual({
    A: "3",
    B: "two words",
    C: '"quoted"',
    D: "'single'",
    E: "",
    F: "a=b",
    G: "1 # no comment",
  });
  expect(variablesOf("")).toEqual({});
});

test("dotenvVariables() reads files apart from each other, also in PowerShell's encoding", () => {
  const utf16 = Buffer.from("\uFEFFC=ü\r\n", "utf16le");
  expect(variablesOf("A=1", "\uFEFFB=2", utf16)).toEqual({ A: "1", B: "2", C: "ü" });
  const large = `LARGE=${
    Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("hex")
  }`;
  expect(variablesOf(large, "A=1")).toMatchObject({ A: "1" });
});

test("refusalOfReport() says what GitLab says of a dotenv report", () => {
  const invalidKey = "Validation failed: Key can contain only letters, digits and '_'.";
  expect(refusal("dotenv", "A=1\n")).toBeUndefined();
  expect(refusal("dotenv", "no equals sign\n")).toBe("Invalid Format");
  expect(refusal("dotenv", "A=1\n\nB=2\n")).toBe("Invalid Format");
  expect(refusal("dotenv", "A-B=1\n")).toBe(invalidKey);
  expect(refusal("dotenv", "# A=1\n")).toBe(invalidKey);
  expect(refusal("dotenv", "=1\n")).toContain("Key can't be blank");
  expect(refusal("dotenv", `${"A".repeat(256)}=1\n`)).toContain("Key is too long");
  expect(refusal("dotenv", crypto.getRandomValues(new Uint8Array(6000))))
    .toBe("Dotenv Artifact Too Big. Maximum Allowable Size: 5120");
});

test("refusalOfReport() says what GitLab says of annotations", () => {
  const link = { external_link: { label: "a", url: "https://example.com/" } };
  const lists = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [at, [link]])));
  expect(refusal("annotations", lists(20))).toBeUndefined();
  expect(refusal("annotations", lists(21))).toContain("cannot have more than 20 annotation lists");
  expect(refusal("annotations", "[]")).toBe("Annotations files must be a JSON object");
  expect(refusal("annotations", "{")).toBeString();
  expect(refusal("junit", "{")).toBeUndefined();
});
