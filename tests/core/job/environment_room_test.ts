import { describe, expect, test } from "bun:test";
import { beyondEnvironment } from "../../../core/job/environment_room.ts";

const sized = (key: string, bytes: number) => ({ key, value: "v".repeat(bytes - key.length) });

describe("beyondEnvironment()", () => {
  test("leaves out what no program takes", () => {
    const most = 128 * 1024 - 2;
    expect([...beyondEnvironment([sized("FITS", most), sized("LONG", most + 1)])]).toEqual([
      "LONG",
    ]);
  });

  test("counts bytes, not characters", () => {
    expect([...beyondEnvironment([{ key: "U", value: "ü".repeat(70_000) }])]).toEqual(["U"]);
  });

  test("leaves out the largest until the rest has room", () => {
    const variables = Array.from({ length: 20 }, (_, n) => sized(`V${n}`, 80_000 + 1000 * n));
    // 20 of them are 1.79 million bytes.
    expect([...beyondEnvironment(variables)]).toEqual(["V19", "V18", "V17"]);
  });
});
