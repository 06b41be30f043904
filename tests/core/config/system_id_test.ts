import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MACHINE_ID_SOURCES, machineId, systemId } from "../../../core/config/system_id.ts";
import { ConfigurationError } from "../../../core/errors.ts";

let folder = "";
let config = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "system-id-"));
  config = join(folder, "conf", "config.toml");
});
afterEach(() => rm(folder, { recursive: true }));

const of = (id: string | undefined) => ({ machineId: async () => id });

describe("systemId", () => {
  test("is an HMAC of the machine's ID, written for the owner only", async () => {
    const made = await systemId(config, of("0123456789abcdef0123456789abcdef"));
    // printf gitlab-runner | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    expect(made).toEqual({ id: "s_ee3af03959fe", warning: undefined });
    const path = join(folder, "conf", ".runner_system_id");
    expect(await readFile(path, "utf8")).toBe(made.id);
    if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("is random without a machine ID, and stays what it was", async () => {
    const first = await systemId(config, of(undefined));
    expect(first.id).toMatch(/^r_[0-9a-zA-Z]{12}$/);
    expect(await systemId(config, of("machine"))).toEqual(first);
  });

  test.each(["x_000000000000", "s_short", "", "s_0123456789abc"])(
    "replaces the malformed ID %j",
    async (text) => {
      await mkdir(join(folder, "conf"));
      await writeFile(join(folder, "conf", ".runner_system_id"), text);
      expect((await systemId(config, of("machine"))).id).toMatch(/^s_[0-9a-f]{12}$/);
    },
  );

  test("trims what it reads", async () => {
    await mkdir(join(folder, "conf"));
    await writeFile(join(folder, "conf", ".runner_system_id"), " s_0123456789aB\n");
    expect((await systemId(config, of("machine"))).id).toBe("s_0123456789aB");
  });

  test.each(["machine", undefined])("of %p warns when it cannot be kept", async (machine) => {
    const { id, warning } = await systemId(join(folder, "none", "config.toml"), {
      machineId: async () => {
        await writeFile(join(folder, "none"), "a file where the folder would be");
        return machine;
      },
    });
    expect(id).toStartWith(machine === undefined ? "r_" : "s_");
    expect(warning).toStartWith("Cannot keep the system ID in ");
    expect(warning?.endsWith("GitLab will see another runner manager after a restart"))
      .toBe(machine === undefined);
  });

  test("refuses to start with an ID that cannot be read", async () => {
    await mkdir(join(folder, "conf", ".runner_system_id"), { recursive: true });
    await expect(systemId(config, of("machine"))).rejects.toThrow(ConfigurationError);
  });
});

describe("machineId", () => {
  test("takes the first source that answers", async () => {
    await writeFile(join(folder, "id"), "abc\n");
    const none = { kind: "file", path: join(folder, "none") } as const;
    const missing = { kind: "command", argv: ["no-such-program"], match: /(.)/ } as const;
    const file = { kind: "file", path: join(folder, "id") } as const;
    expect(await machineId("linux", [none, missing, file])).toBe("abc");
    expect(await machineId("linux", [none])).toBeUndefined();
    expect(await machineId("aix")).toBeUndefined();
  });

  test("cuts the ID out of each program's output", () => {
    const outputs = {
      darwin: '    "IOPlatformSerialNumber" = "C0"\n    "IOPlatformUUID" = "A1B2-C3"\n',
      win32: "\r\nHKEY_LOCAL_MACHINE\\...\r\n    MachineGuid    REG_SZ    A1B2-C3\r\n\r\n",
      freebsd: "A1B2-C3\n",
    } as const;
    for (const [platform, output] of Object.entries(outputs)) {
      const sources = Object.entries(MACHINE_ID_SOURCES).find(([name]) => name === platform)?.[1];
      const command = sources?.find((source) => source.kind === "command");
      expect(output.match(command?.match ?? /$^/)?.[1]).toBe("A1B2-C3");
    }
  });
});
