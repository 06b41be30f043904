import { expect, test } from "bun:test";
import { foreignTo } from "../../../../executors/docker/images/mod.ts";

const image = (architecture: string) => ({ os: "linux", architecture });

test.each([
  ["x86_64", "amd64"],
  ["x86_64", "386"],
  ["aarch64", "arm64"],
  ["aarch64", "arm"],
  // Nobody knows what these can run besides their own.
  ["armv7l", "arm"],
  ["riscv64", "riscv64"],
  ["x86_64", ""],
])("foreignTo lets an engine on %s run images for %j", (machine, architecture) => {
  expect(foreignTo(machine, image(architecture))).toBeUndefined();
});

test.each([
  ["x86_64", "arm64", "amd64"],
  ["aarch64", "amd64", "arm64"],
  ["x86_64", "s390x", "amd64"],
])(
  "foreignTo says that a machine of %s does not run %s by itself",
  (machine, architecture, own) => {
    expect(foreignTo(machine, image(architecture))).toBe(
      `it is for linux/${architecture}, and the engine's machine is ${own}`,
    );
  },
);
