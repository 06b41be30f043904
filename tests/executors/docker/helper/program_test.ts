import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasThisProgram, ownHelperImage } from "../../../../executors/docker/helper/mod.ts";
import { elfFacts } from "../../../../executors/docker/helper/elf.ts";
import {
  helperProgram,
  programAt,
  programTar,
} from "../../../../executors/docker/helper/program.ts";
import { goPlatform } from "../../../../core/version.ts";
import { imageDetails } from "../images/fake_engine.ts";

const directory = mkdtempSync(join(tmpdir(), "helper-program-"));
afterAll(() => rmSync(directory, { recursive: true }));

const HERE = goPlatform();
const ELSEWHERE = { os: "linux", arch: HERE.arch === "arm64" ? "amd64" : "arm64" };

/** The head of an executable for another processor that names a loader. */
function foreign(name: string): string {
  const head = Buffer.alloc(256);
  head.write("\x7fELF\x02\x01", "latin1");
  head.writeUInt16LE(ELSEWHERE.arch === "arm64" ? 183 : 62, 18);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(2, 56);
  const loader = "/lib/ld-linux.so.1\0";
  head.writeUInt32LE(6, 64);
  head.writeUInt32LE(3, 64 + 56);
  head.writeBigUInt64LE(200n, 64 + 56 + 8);
  head.writeBigUInt64LE(BigInt(loader.length), 64 + 56 + 32);
  head.write(loader, 200);
  const path = join(directory, name);
  writeFileSync(path, head);
  return path;
}

describe("elfFacts", () => {
  test("reads the processor and the loader", async () => {
    expect(await elfFacts(process.execPath)).toMatchObject({
      architecture: HERE.arch,
      interpreter: expect.stringContaining("/ld-"),
    });
    expect(await elfFacts(foreign("a"))).toEqual({
      architecture: ELSEWHERE.arch,
      interpreter: "/lib/ld-linux.so.1",
    });
  });

  test("a file that is no executable is named", async () => {
    const path = join(directory, "text");
    writeFileSync(path, "#!/bin/sh\n".repeat(20));
    await expect(elfFacts(path)).rejects.toThrow(`"${path}" is no executable for Linux`);
    await expect(elfFacts("/nowhere")).rejects.toThrow('Cannot read the executable "/nowhere"');
  });
});

describe("helperProgram", () => {
  test("is this executable for this processor, and the one beside it for another", async () => {
    expect(await helperProgram(process.execPath, HERE)).toMatchObject({
      path: process.execPath,
      isLocal: true,
    });
    const own = join(directory, "runner");
    const name = `runner-linux-${ELSEWHERE.arch === "amd64" ? "x64" : "arm64"}`;
    await expect(helperProgram(own, ELSEWHERE)).rejects.toThrow(
      `need the executable for it at "${join(directory, name)}"`,
    );
    expect(await helperProgram(own, ELSEWHERE).catch((error) => error.message))
      .toContain(`sh scripts/build.sh ${name.slice(7)}`);
    foreign(name);
    expect(await helperProgram(own, ELSEWHERE)).toMatchObject({
      path: join(directory, name),
      isLocal: false,
    });
  });

  test("programAt refuses one for another processor", async () => {
    await expect(programAt(foreign("b"), HERE)).rejects.toThrow(
      `is for linux on ${ELSEWHERE.arch}, and ${HERE.os} on ${HERE.arch} is needed`,
    );
  });
});

describe("programTar", () => {
  test("holds the program, this host's C library and, last, the mark", async () => {
    const path = join(directory, "own.tar");
    const program = await helperProgram("/bin/sh", HERE);
    await Bun.write(path, new Blob(await Array.fromAsync(programTar(program, "opt/helper"))));
    const listed = Bun.spawnSync(["tar", "tf", path]).stdout.toString().trim().split("\n");
    expect(listed.slice(0, 3)).toEqual([
      "opt/helper/",
      "opt/helper/gitlab-runner-helper",
      "opt/helper/lib/",
    ]);
    expect(listed).toContain("opt/helper/lib/libc.so.6");
    expect(listed.slice(-2)).toEqual(["opt/helper/runner", "opt/helper/complete"]);
    // With the libraries it brings along, and nothing else.
    Bun.spawnSync(["tar", "xf", path, "-C", directory]);
    const loader = listed.find((name) => name.startsWith("opt/helper/lib/ld-")) ?? "";
    const at = (name: string) => join(directory, name);
    const ran = Bun.spawnSync([
      at(loader),
      "--library-path",
      at("opt/helper/lib"),
      at("opt/helper/runner"),
      "-c",
      "echo ran",
    ]);
    expect(ran.stdout.toString()).toBe("ran\n");
  });

  test("lends nothing to a program of another processor", async () => {
    const program = await programAt(foreign("c"), ELSEWHERE);
    const bytes = Buffer.concat(await Array.fromAsync(programTar(program)));
    expect(bytes.toString("latin1")).toContain(
      '#!/bin/sh\nexec /opt/gitlab-runner-helper/runner "$@"',
    );
    expect(bytes.includes("libc.so")).toBe(false);
  });
});

describe("ownHelperImage", () => {
  test("is tagged as GitLab Runner tags its own", () => {
    const name = (architecture: string, flavor: string) =>
      ownHelperImage({ architecture, flavor }).replace(/^gitlab-runner-helper:/, "");
    expect(name("x86_64", "alpine")).toBe("x86_64-v19.4.0");
    expect(name("amd64", "ubuntu")).toBe("ubuntu-x86_64-v19.4.0");
    expect(name("aarch64", "alpine3.21")).toBe("alpine3.21-arm64-v19.4.0");
  });

  test("an image built from changed sources is never taken for one with this program", () => {
    const labels = { "com.gitlab.gitlab-runner.helper.program": "19.4.0-HEAD" };
    expect(hasThisProgram(imageDetails({ labels }))).toBe(false);
  });
});
