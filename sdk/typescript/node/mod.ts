/** The same package for Node; its build puts what lies here in the place of Bun's own means. */

import "./with_resolvers.ts";

export * from "../mod.ts";
