import { describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { ConnectionPool } from "../../../../executors/docker/engine/connection_pool.ts";
import { EngineHttp } from "../../../../executors/docker/engine/engine_http.ts";

describe("EngineHttp", () => {
  test("an abort while the connection is being made is the call's end, and closes it", async () => {
    const abort = new AbortController();
    const stream = new PassThrough().on("error", () => {});
    const dial = async () => {
      abort.abort(new Error("enough"));
      return stream;
    };
    const pool = new ConnectionPool({ dial, address: "test", mostIdle: 0 });
    using http = new EngineHttp({ pool, version: "1.41" });
    await expect(http.done({ method: "GET", path: "/info", signal: abort.signal }))
      .rejects.toThrow("enough");
    expect(stream.destroyed).toBe(true);
  });
});
