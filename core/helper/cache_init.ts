/** `cache-init`: opens cache directories, which their mount created for root only, to every user. */

import { chmod } from "node:fs/promises";
import { ConfigurationError } from "../errors.ts";
import type { HelperCommand } from "./helper_command.ts";

const EVERYONE = 0o777;

export const cacheInit: HelperCommand = {
  name: "cache-init",
  summary: "change permissions of cache paths (internal)",
  flags: [],
  async run(values) {
    if (values.operands.length === 0) {
      throw new ConfigurationError("No arguments passed, at least one path is required");
    }
    for (const path of values.operands) await chmod(path, EVERYONE);
    return 0;
  },
};
