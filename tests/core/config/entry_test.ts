import { describe, expect, test } from "bun:test";
import { runnerConfig } from "../../../core/config/entry.ts";

describe("runnerConfig", () => {
  test("fills a plain entry with defaults", () => {
    const runner = runnerConfig({
      name: "one",
      url: "https://x",
      token: "t",
      executor: "docker",
      docker: { image: "alpine" },
    });
    expect(runner.docker?.image).toBe("alpine");
    expect(runner.output_limit).toBe(4096);
  });

  test("lists what is wrong", () => {
    expect(() => runnerConfig({ url: "https://x", limit: "x" })).toThrow(
      'token: missing, but every runner needs it\nexecutor: missing, but every runner needs it\nlimit: expected an integer, got "x"',
    );
  });
});
