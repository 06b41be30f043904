/** docs/writing-a-plugin.md, followed to the letter in an empty directory. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXECUTABLE } from "./runner_process.ts";
import { installSdk } from "./typescript_sdk.ts";
import { freePort } from "../fixtures/free_port.ts";

const ROOT = join(import.meta.dir, "../..");
const GUIDE = readFileSync(join(ROOT, "docs/writing-a-plugin.md"), "utf8");

interface Block {
  readonly language: string;
  readonly text: string;
  /** What was last named before it. */
  readonly file: string;
}

/** The code blocks of the sections whose titles begin so, in their order. */
function blocksOf(...titles: readonly string[]): readonly Block[] {
  const sections = GUIDE.split(/^## /m).filter((section) =>
    titles.some((title) => section.startsWith(title))
  );
  expect(sections).toHaveLength(titles.length);
  return sections.flatMap((section) =>
    [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ index, 1: language, 2: text }) => ({
      language: language ?? "",
      text: text ?? "",
      file: section.slice(0, index).match(/`[^`\n]+`(?=[^`]*$)/)?.[0].slice(1, -1) ?? "",
    }))
  );
}

class Desk implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "plugin-guide-"));
  readonly #env: Readonly<Record<string, string>>;

  constructor() {
    const bin = join(this.directory, ".bin");
    mkdirSync(bin);
    symlinkSync(EXECUTABLE, join(bin, "runner"));
    symlinkSync(process.execPath, join(bin, "bun"));
    const path = `${bin}:${process.env["PATH"]}`;
    this.#env = { PATH: path, HOME: this.directory, LANG: "C.UTF-8", TMPDIR: bin };
  }

  write({ file, text }: Block): void {
    writeFileSync(join(this.directory, file), text);
  }

  /** Runs the commands up to the first that fails; what they print. */
  async run(commands: string): Promise<string> {
    const child = Bun.spawn(["bash", "-e", "-c", `exec 2>&1\n${commands}\nwait`], {
      cwd: this.directory,
      env: this.#env,
      stdin: "ignore",
      stdout: "pipe",
    });
    const said = await child.stdout.text();
    if (await child.exited !== 0) throw new Error(`${commands}\nprints:\n${said}`);
    return said;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const LIMIT = 300_000;
const VERDICT = /^(\d+) checks passed: this plugin keeps the contract of an executor$/m;
const missing = ["python3", "unshare", "busybox", "curl"].filter((name) =>
  Bun.which(name) === null
);
const cannot = missing.length > 0 || process.getuid?.() !== 0;

describe("the guide to plugins", () => {
  let desk: Desk;
  beforeAll(() => void (desk = new Desk()));
  afterAll(() => desk[Symbol.dispose]());

  test.skipIf(Bun.which("python3") === null)(
    "leads to a plugin in Python (needs python3)",
    async () => {
      const said: string[] = [];
      for (const block of blocksOf("1. ")) {
        if (block.language === "sh") said.push(await desk.run(block.text));
        else desk.write(block);
      }
      expect(said.at(-1)).toContain('"name": "plain"');
      expect(said.at(-1)).toMatch(VERDICT);
    },
    LIMIT,
  );

  test.skipIf(Bun.which("python3") === null)(
    "needs no more than Python 3.8 (needs python3)",
    async () => {
      const parse = "import ast, sys; ast.parse(sys.stdin.read(), feature_version=(3, 8))";
      await desk.run(`runner plugin sdk | python3 -c "${parse}"`);
    },
    LIMIT,
  );

  test.skipIf(cannot)(
    "leads to jobs in root directories of their own (needs root, python3, unshare, busybox, curl)",
    async () => {
      const port = String(freePort());
      const said: string[] = [];
      for (const block of blocksOf("2. ", "3. ")) {
        if (block.language === "sh") said.push(await desk.run(block.text.replaceAll("8989", port)));
        else desk.write(block);
      }
      const [, check, job] = said;
      expect(check).toMatch(VERDICT);
      expect(job).toContain("Using the sandbox executor...");
      expect(job).toContain("Job succeeded");
    },
    LIMIT,
  );

  test.skipIf(cannot)(
    "brings the runner's executable into them (needs root, python3, unshare, busybox)",
    async () => {
      const [method] = blocksOf("5. ");
      const path = join(desk.directory, "runner-executor-sandbox");
      const [before, serve] = readFileSync(path, "utf8").split(/^(?=rp\.serve)/m);
      writeFileSync(path, `${before?.trimEnd()}\n\n${method?.text}\n\n${serve}`);
      const command =
        "runner plugin check --entry entry.toml --only 'file|transfer' ./runner-executor-sandbox";
      expect(VERDICT.exec(await desk.run(command))?.[1]).toBe("5");
    },
    LIMIT,
  );

  test("leads to a plugin in TypeScript", async () => {
    using typed = new Desk();
    for (const block of blocksOf("In TypeScript")) {
      if (block.language !== "sh") typed.write(block);
      else if (block.text.includes("bun add")) await installSdk(typed.directory);
      else expect(await typed.run(block.text)).toMatch(VERDICT);
    }
  }, LIMIT);

  test("leads to the same plugin in Node", async () => {
    using typed = new Desk();
    for (const block of blocksOf("In TypeScript")) if (block.language !== "sh") typed.write(block);
    await installSdk(typed.directory);
    const check = "bun build --no-bundle plain.ts --outfile plain.mjs\n" +
      'runner plugin check node "$PWD/plain.mjs"';
    expect(await typed.run(check)).toMatch(VERDICT);
  }, LIMIT);
});
