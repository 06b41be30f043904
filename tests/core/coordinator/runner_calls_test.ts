import { expect, test } from "bun:test";
import { Secret } from "../../../core/util/secret.ts";
import { calm, coordinator, empty, info, json, scripted, TOKEN } from "./support.ts";

const registration = {
  token: new Secret("GR1348941registration"),
  info,
  runUntagged: true,
  locked: false,
  paused: false,
};

test("registerRunner sends what is set, and reads id, token and expiry", async () => {
  await using server = scripted(
    json(201, { id: 7, token: "glrt-new", token_expires_at: "2027-01-02T03:04:05.000Z" }),
  );
  using client = coordinator(server.url);
  const outcome = await client.registerRunner({
    ...registration,
    description: "mine",
    maintenanceNote: "note",
    tagList: "a,b",
    accessLevel: "ref_protected",
    maximumTimeoutSeconds: 600,
  }, calm);
  expect(outcome.kind).toBe("registered");
  if (outcome.kind !== "registered") return;
  expect(outcome.runner.id).toBe(7);
  expect(outcome.runner.token.reveal()).toBe("glrt-new");
  expect(outcome.runner.tokenExpiresAt).toEqual(new Date("2027-01-02T03:04:05.000Z"));
  const [seen] = server.seen;
  expect(seen?.url.pathname).toBe("/api/v4/runners");
  expect(seen?.headers.get("runner-token")).toBe("GR1348941registration");
  expect(seen?.json()).toEqual({
    token: "GR1348941registration",
    info: { ...info, config: { gpus: "" } },
    description: "mine",
    maintenance_note: "note",
    tag_list: "a,b",
    run_untagged: true,
    locked: false,
    access_level: "ref_protected",
    maximum_timeout: 600,
    paused: false,
  });
});

test("registerRunner leaves out what is not set", async () => {
  await using server = scripted(json(201, { id: 7, token: "t", token_expires_at: null }));
  using client = coordinator(server.url);
  const outcome = await client.registerRunner(registration, calm);
  expect(outcome.kind === "registered" && outcome.runner.tokenExpiresAt).toBeUndefined();
  expect(Object.keys(server.seen[0]?.json() ?? {}).toSorted())
    .toEqual(["info", "locked", "paused", "run_untagged", "token"]);
});

test.each([
  [403, { message: "403 Forbidden - bad" }, "forbidden", "403 Forbidden - bad"],
  [410, { message: "410 Gone" }, "registration-disabled", "410 Gone"],
  [400, { message: { tags: ["is bad", "is long"] } }, "rejected", "tags: is bad, is long"],
  [400, { error: "token is missing" }, "rejected", "400 Bad Request"],
])("registerRunner turns %d %o into %s", async (status, body, kind, message) => {
  await using server = scripted(json(status, body));
  using client = coordinator(server.url);
  expect(await client.registerRunner(registration, calm)).toMatchObject({ kind, message });
});

test("registerRunner answers unreachable when a 201 cannot be read", async () => {
  await using server = scripted(new Response("<html>", { status: 201 }));
  using client = coordinator(server.url);
  const outcome = await client.registerRunner(registration, calm);
  expect(outcome.kind).toBe("unreachable");
});

test("verifyRunner sends token, system id and features once", async () => {
  await using server = scripted(json(200, { id: 3, token: TOKEN, token_expires_at: null }));
  using client = coordinator(server.url);
  expect(await client.verifyRunner(info, calm)).toMatchObject({ kind: "valid", runner: { id: 3 } });
  const [seen, ...more] = server.seen;
  expect(more).toEqual([]);
  expect(seen?.url.pathname).toBe("/api/v4/runners/verify");
  expect(seen?.headers.get("runner-token")).toBe(TOKEN);
  expect(seen?.json()).toMatchObject({
    token: TOKEN,
    system_id: "s_123456789abc",
    info: { features: { variables: true } },
  });
});

test.each(["", "null", "200"])(
  "verifyRunner takes a 200 with the body %p as valid",
  async (body) => {
    await using server = scripted(new Response(body));
    using client = coordinator(server.url);
    expect(await client.verifyRunner(info, calm)).toEqual({ kind: "valid", runner: undefined });
    expect(server.seen).toHaveLength(1);
  },
);

test.each([[403, "forbidden"], [422, "rejected"], [500, "rejected"]])(
  "verifyRunner answers %d with %s",
  async (status, kind) => {
    await using server = scripted(empty(Number(status)));
    using client = coordinator(server.url);
    expect((await client.verifyRunner(info, calm)).kind).toBe(kind as "forbidden");
  },
);

test("unregisterRunner deletes the manager of a glrt- runner", async () => {
  await using server = scripted(empty(204));
  using client = coordinator(server.url);
  expect((await client.unregisterRunner(calm)).kind).toBe("unregistered");
  const [seen] = server.seen;
  expect(`${seen?.method} ${seen?.url.pathname}`).toBe("DELETE /api/v4/runners/managers");
  expect(seen?.json()).toEqual({ token: TOKEN, system_id: "s_123456789abc" });
});

test("unregisterRunner deletes a legacy runner itself", async () => {
  await using server = scripted(empty(204));
  using client = coordinator(server.url, { token: new Secret("legacy") });
  await client.unregisterRunner(calm);
  const [seen] = server.seen;
  expect(`${seen?.method} ${seen?.url.pathname}`).toBe("DELETE /api/v4/runners");
  expect(seen?.json()).toEqual({ token: "legacy" });
});

test("unregisterRunner takes 404 as already gone and 403 as forbidden", async () => {
  await using server = scripted(empty(404), empty(403));
  using client = coordinator(server.url);
  expect((await client.unregisterRunner(calm)).kind).toBe("already-gone");
  expect((await client.unregisterRunner(calm)).kind).toBe("forbidden");
});

test("resetToken with the runner's token sends it in the body only", async () => {
  await using server = scripted(json(201, { token: "glrt-next", token_expires_at: null }));
  using client = coordinator(server.url);
  const outcome = await client.resetToken({ runnerId: 9 }, calm);
  expect(outcome.kind === "reset" && outcome.token.reveal()).toBe("glrt-next");
  const [seen] = server.seen;
  expect(seen?.url.pathname).toBe("/api/v4/runners/reset_authentication_token");
  expect(seen?.headers.get("runner-token")).toBeNull();
  expect(seen?.json()).toEqual({ token: TOKEN });
});

test("resetToken with a personal access token sends an object, not null", async () => {
  await using server = scripted(json(201, { token: "glrt-next" }), empty(401), json(201, null));
  using client = coordinator(server.url);
  const access = { runnerId: 9, pat: new Secret("glpat-x") };
  expect((await client.resetToken(access, calm)).kind).toBe("reset");
  const [seen] = server.seen;
  expect(seen?.url.pathname).toBe("/api/v4/runners/9/reset_authentication_token");
  expect(seen?.headers.get("private-token")).toBe("glpat-x");
  expect(seen?.json()).toEqual({});
  expect((await client.resetToken(access, calm)).kind).toBe("forbidden");
  expect((await client.resetToken(access, calm)).kind).toBe("unreachable");
});
