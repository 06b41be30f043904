import { describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { EngineHttp } from "../../../../executors/docker/engine/engine_http.ts";

describe("EngineHttp", () => {
  test("an abort while the connection is being made is the call's end, and closes it", async () => {
    const abort = new AbortController();
    const stream = new PassThrough().on("error", () => {});
    using http = new EngineHttp({
      dial: async () => {
        abort.abort(new Error("enough"));
        return stream;
      },
      address: "test",
      version: "1.41",
    });
    await expect(http.done({ method: "GET", path: "/info", signal: abort.signal }))
      .rejects.toThrow("enough");
    expect(stream.destroyed).toBe(true);
  });
});
