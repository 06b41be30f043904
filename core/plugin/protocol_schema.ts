/** The protocol's messages as JSON Schema, for those who do not read TypeScript. */

import { z } from "zod";
import { RpcId } from "../rpc/message.ts";
import {
  AbortReason,
  HOST_METHODS,
  HOST_NOTICES,
  PLUGIN_METHODS,
  PLUGIN_NOTICES,
} from "./protocol.ts";

/** One definition per message: `initialize.params`, `initialize.result`, `job/output.params`… */
export function protocolSchema(): Readonly<Record<string, unknown>> {
  const methods = [...Object.values(HOST_METHODS), ...Object.values(PLUGIN_METHODS)];
  const notices = [...Object.values(HOST_NOTICES), ...Object.values(PLUGIN_NOTICES)];
  const reason = z.object({ id: RpcId, reason: AbortReason });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Executor plugin protocol, version 1",
    description: "Parameters and results of the messages that plugins/PROTOCOL.md describes",
    $defs: Object.fromEntries([
      ...methods.flatMap(({ name, params, result }) => [
        [`${name}.params`, schemaOf(params)],
        [`${name}.result`, schemaOf(result)],
      ]),
      ...notices.map(({ name, params }) => [`${name}.params`, schemaOf(params)]),
      ["$/cancel.params", schemaOf(reason)],
    ]),
  };
}

/** What may be left out is not required, whatever the reader fills in for it. */
function schemaOf(type: z.ZodType): Readonly<Record<string, unknown>> {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io: "input" });
  return schema;
}
