import { describe, expect, test } from "bun:test";
import {
  device,
  gpuRequests,
  logOptions,
  memoryBytes,
  nameServers,
  nanoCpus,
  ulimits,
} from "../../../executors/docker/option_values.ts";

describe("memoryBytes", () => {
  test.each([
    ["", undefined],
    ["1024", 1024],
    ["512m", 536_870_912],
    ["512MB", 536_870_912],
    ["2GiB", 2_147_483_648],
    ["1.5k", 1536],
    ["-1", -1],
  ])("reads %p", (text, bytes) => {
    expect(memoryBytes("memory", text)).toBe(bytes as number | undefined as number);
  });

  test("names the key and the value it cannot read", () => {
    expect(() => memoryBytes("memory", "lots")).toThrow('[runners.docker] memory is "lots"');
  });
});

test("nanoCpus reads fractions and refuses what is not above zero", () => {
  expect(nanoCpus("cpus", "0.5")).toBe(500_000_000);
  expect(nanoCpus("cpus", "")).toBeUndefined();
  for (const text of ["0", "-1", "two"]) {
    expect(() => nanoCpus("cpus", text)).toThrow(`cpus is "${text}"`);
  }
});

describe("device", () => {
  test.each([
    ["/dev/kvm", "/dev/kvm", "/dev/kvm", "rwm"],
    ["/dev/sda:/dev/xvda", "/dev/sda", "/dev/xvda", "rwm"],
    ["/dev/sda:r", "/dev/sda", "/dev/sda", "r"],
    ["/dev/sda:/dev/xvda:rw", "/dev/sda", "/dev/xvda", "rw"],
  ])("reads %p", (text, host, inside, permissions) => {
    expect(device("devices", text)).toEqual({
      PathOnHost: host,
      PathInContainer: inside,
      CgroupPermissions: permissions,
    });
  });

  test.each([":", "/dev/a:/dev/b:x", "/dev/a:/dev/b:r:w"])("refuses %p", (text) => {
    expect(() => device("devices", text)).toThrow("devices is");
  });
});

describe("gpuRequests", () => {
  const request = { Driver: "", Count: 0, DeviceIDs: [], Capabilities: [["gpu"]], Options: {} };
  test.each([
    ["", []],
    ["all", [{ ...request, Count: -1 }]],
    ["2", [{ ...request, Count: 2 }]],
    ["device=0", [{ ...request, DeviceIDs: ["0"] }]],
    ['"device=0,1","capabilities=compute,utility"', [
      { ...request, DeviceIDs: ["0", "1"], Capabilities: [["compute", "utility", "gpu"]] },
    ]],
    ["count=1,driver=nvidia", [{ ...request, Count: 1, Driver: "nvidia" }]],
  ])("reads %p", (text, requests) => {
    expect(gpuRequests("gpus", text)).toEqual(requests);
  });

  test("refuses an option that docker does not know", () => {
    expect(() => gpuRequests("gpus", "speed=fast")).toThrow('gpus is "speed=fast"');
  });
});

test("ulimits reads one number for both limits, or two", () => {
  expect(ulimits("ulimit", { nofile: "1024:2048", core: "0" })).toEqual([
    { Name: "nofile", Soft: 1024, Hard: 2048 },
    { Name: "core", Soft: 0, Hard: 0 },
  ]);
  expect(() => ulimits("ulimit", { nofile: "many" })).toThrow('ulimit.nofile is "many"');
});

test("logOptions lets env and labels through and nothing that changes where a log goes", () => {
  expect(logOptions("log_options", { env: "A", labels: "b" })).toEqual({ env: "A", labels: "b" });
  expect(() => logOptions("log_options", { "max-size": "1m" })).toThrow('not "max-size"');
});

test("nameServers refuses a name where an address belongs", () => {
  expect(nameServers("dns", ["8.8.8.8", "::1"])).toEqual(["8.8.8.8", "::1"]);
  expect(() => nameServers("dns", ["resolver"])).toThrow('dns is "resolver"');
});
