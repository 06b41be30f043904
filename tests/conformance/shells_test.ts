/** Every POSIX shell of this host against the shell contract. */

import { test } from "bun:test";
import { bash, sh } from "../../shells/bash.ts";
import { shellSuite } from "./shell_suite.ts";

const SHELLS = [
  { name: "bash", shell: bash, argv: ["bash"], pipefail: true },
  { name: "bash as login shell", shell: bash, argv: ["bash", "--login"], pipefail: true },
  { name: "bash called sh", shell: sh, argv: ["bash", "--posix"], pipefail: true },
  { name: "dash", shell: sh, argv: ["dash", "-l"], pipefail: false },
  { name: "busybox ash", shell: sh, argv: ["busybox", "sh", "-l"], pipefail: true },
];

for (const { name, ...under } of SHELLS) {
  if (Bun.which(under.argv[0] ?? "") !== null) shellSuite(name, under);
  else test.skip(`${name}: NOT RUN, ${under.argv[0]} is not installed`, () => {});
}
