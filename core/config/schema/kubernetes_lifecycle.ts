/** `[runners.kubernetes.container_lifecycle]`: hooks of the build container. */

import { int, strings, text } from "../keys.ts";
import { optionalTable, tables } from "../tables.ts";

const hookKeys = {
  exec: optionalTable("command action", () => ({ command: strings("argv, no shell") })),
  http_get: optionalTable("HTTP action", () => ({
    host: text("host, pod IP when empty"),
    http_headers: tables("headers", { name: text("header"), value: text("value") }),
    path: text("path"),
    port: int("port"),
    scheme: text("HTTP or HTTPS"),
  })),
  tcp_socket: optionalTable("TCP action", () => ({
    host: text("host, pod IP when empty"),
    port: int("port"),
  })),
};

export const lifecycleKeys = {
  post_start: optionalTable("after start", () => hookKeys),
  pre_stop: optionalTable("before termination", () => hookKeys),
};
