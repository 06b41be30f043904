/** Random text through real shells: what goes in as data comes out byte for byte. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScriptOp } from "../../core/shell.ts";
import { bash, sh } from "../../shells/bash.ts";
import { runOps } from "../conformance/run_ops.ts";

const SEED = 0x5eed;
const TEXTS = 400;

/** What has a meaning to some shell, or to a program that takes it for an option or a format. */
const PIECES = [
  ..."'\"`\\$!#&|;<>(){}[]*?~=%^-+/:,.@ \t\n\r",
  "-n",
  "--",
  "-e",
  "$(id)",
  "${HOME}",
  "\\n",
  "%s",
  "''",
  "'\\''",
  "$'x'",
  "EOF\n",
  "\x01",
  "\x7f",
  "\x1b[0m",
  "\x80",
  "ÿ",
  "é",
  "漢字",
  "😀",
  "\u2028",
  "\ufeff",
  "word",
];

const SHELLS = [
  { name: "bash", shell: bash, argv: ["bash"], pipefail: true, env: { LC_ALL: "C.UTF-8" } },
  {
    name: "bash in the C locale",
    shell: bash,
    argv: ["bash"],
    pipefail: true,
    env: { LC_ALL: "C" },
  },
  { name: "bash called sh", shell: sh, argv: ["bash", "--posix"], pipefail: true, env: {} },
  { name: "dash", shell: sh, argv: ["dash"], pipefail: false, env: {} },
  { name: "busybox ash", shell: sh, argv: ["busybox", "sh"], pipefail: true, env: {} },
];

for (const { name, env, ...under } of SHELLS) {
  const missing = Bun.which(under.argv[0] ?? "") === null;
  describe.skipIf(missing)(missing ? `${name}: NOT RUN, it is not installed` : name, () => {
    const directory = mkdtempSync(join(tmpdir(), "runner-quoting-"));
    afterAll(() => rmSync(directory, { recursive: true, force: true }));
    const texts = samples();

    test("values of variables and announcements survive", () => {
      const ops = texts.flatMap((text, index): ScriptOp[] => [
        { kind: "export", name: `V${index}`, value: text },
        { kind: "user-command", code: ":", echo: { kind: "line", text } },
        { kind: "print", style: "plain", text },
      ]);
      const dump: ScriptOp = { kind: "run", argv: ["env", "-0"] };
      const { code, stdout } = runOps(under, [...ops, dump], directory, { env });
      expect(code).toBe(0);
      const lines = texts.map((text) => `\x1b[32;1m${text}\x1b[0;m\n${text}\n`).join("");
      expect(stdout.startsWith(lines)).toBe(true);
      const values = new Map(
        stdout.slice(lines.length).split("\0").map((entry) => [
          entry.slice(0, entry.indexOf("=")),
          entry.slice(entry.indexOf("=") + 1),
        ]),
      );
      for (const [index, text] of texts.entries()) expect(values.get(`V${index}`)).toBe(text);
    });

    test("arguments and a command's own variables survive", () => {
      const argv = ["sh", "-c", 'printf "%s\\0" "$OWN" "$@"', "x", ...texts];
      const own = texts.join("");
      const { code, stdout } = runOps(
        under,
        [{ kind: "run", argv, env: { OWN: own } }],
        directory,
        {
          env,
        },
      );
      expect(code).toBe(0);
      expect(stdout).toBe([own, ...texts].map((text) => `${text}\0`).join(""));
    });

    test("names and contents of files survive, and removing finds them", () => {
      const names = [...new Set(texts.map(fileName))];
      const root = join(directory, "files");
      mkdirSync(root);
      const write = names.map((name, index): ScriptOp => ({
        kind: "write-file",
        path: index % 2 === 0 ? `${root}/${name}` : name,
        content: texts[index] ?? "",
      }));
      const here: ScriptOp = { kind: "change-directory", path: root };
      const written = runOps(under, [here, ...write], directory, { env });
      expect(written).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(readdirSync(root).toSorted()).toEqual(names.toSorted());
      for (const [index, name] of names.entries()) {
        expect(readFileSync(join(root, name), "utf8")).toBe(texts[index] ?? "");
      }
      const remove = names.map((name, index): ScriptOp =>
        index % 2 === 0
          ? { kind: "remove-file", path: name }
          : { kind: "remove-directory", path: name }
      );
      expect(runOps(under, [here, ...remove], directory, { env })).toMatchObject({ code: 0 });
      expect(readdirSync(root)).toEqual([]);
    });

    test("user code survives inside compound commands", () => {
      const ops = texts.slice(0, 50).map((text): ScriptOp => ({
        kind: "attempt",
        ops: [{ kind: "user-command", code: `printf %s\\\\n '${text.replaceAll("'", `'"'"'`)}'` }],
        otherwise: [],
      }));
      const { stdout } = runOps(under, ops, directory, { env });
      expect(stdout).toBe(texts.slice(0, 50).map((text) => `${text}\n`).join(""));
    });
  });
}

function samples(): readonly string[] {
  const random = generator(SEED);
  const piece = () => PIECES[random(PIECES.length)] ?? "";
  const character = () => String.fromCodePoint(1 + random(255));
  const made = Array.from(
    { length: TEXTS },
    (_, index) => Array.from({ length: random(12) }, index % 3 === 0 ? character : piece).join(""),
  );
  return ["", ...PIECES, ...made];
}

function fileName(text: string): string {
  const name = text.replaceAll("/", "_").slice(0, 50).toWellFormed();
  return ["", ".", ".."].includes(name) ? `empty${name}` : name;
}

/** Numbers below its argument, the same ones for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
