import { describe, expect, test } from "bun:test";
import { runnerConfig } from "../../../core/config/entry.ts";
import { parseConfig } from "../../../core/config/load.ts";

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

  test("reads inner tables as a file's, with the defaults of what is not there", () => {
    const written = {
      name: "one",
      url: "https://x",
      token: "t",
      executor: "docker",
      docker: { image: "alpine", Memory: "1g", services: [{ name: "redis" }] },
    };
    const { docker } = runnerConfig(written);
    expect(docker?.memory).toBe("1g");
    expect(docker?.services[0]?.name).toBe("redis");
    expect(docker?.wait_for_services_timeout).toBe(30);
    const file =
      'docker.image = "alpine"\ndocker.memory = "1g"\ndocker.services = [{name = "redis"}]';
    const text =
      `[[runners]]\nname = "one"\nurl = "https://x"\ntoken = "t"\nexecutor = "docker"\n${file}`;
    const { config } = parseConfig(text, { path: "config.toml", env: {} });
    expect({ ...docker }).toEqual({ ...config.runners[0]?.docker });
    expect(() => runnerConfig({ ...written, docker: { cpus: 2, privileged: "no" } })).toThrow(
      'docker.cpus: expected a string, got 2\ndocker.privileged: expected true or false, got "no"',
    );
  });

  test("lists what is wrong", () => {
    expect(() => runnerConfig({ url: "https://x", limit: "x" })).toThrow(
      'token: missing, but every runner needs it\nexecutor: missing, but every runner needs it\nlimit: expected an integer, got "x"',
    );
  });
});
