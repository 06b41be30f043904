import { describe, expect, test } from "bun:test";
import { CheckoutClaims } from "../../../core/util/checkout_claims.ts";

const NEVER = new AbortController().signal;

/** Asks for `path` and tells how far it got. */
function ask(claims: CheckoutClaims, path: string, signal = NEVER) {
  const asked = { waits: false, has: false, release: () => {} };
  const granted = claims.claim(path, { onWait: () => asked.waits = true, signal }).then((claim) => {
    asked.has = true;
    asked.release = () => claim[Symbol.dispose]();
  });
  return Object.assign(asked, { granted });
}

const settle = () => Bun.sleep(0);

describe("CheckoutClaims", () => {
  test("gives a directory to one job at a time, in the order of asking", async () => {
    const claims = new CheckoutClaims();
    const [first, second, third] = ["/b/a", "/b/a", "/b/a"].map((path) => ask(claims, path));
    await settle();
    expect([first, second, third].map((each) => each?.has)).toEqual([true, false, false]);
    expect([first, second, third].map((each) => each?.waits)).toEqual([false, true, true]);
    first?.release();
    first?.release();
    await settle();
    expect([second?.has, third?.has]).toEqual([true, false]);
    second?.release();
    await third?.granted;
  });

  test("counts what lies in a directory and around it, and not what is named alike", async () => {
    const claims = new CheckoutClaims();
    const middle = ask(claims, "/b/a");
    const others = ["/b/a/deep/er", "/b", "/b/a-2", "/c"].map((path) => ask(claims, path));
    await settle();
    // "/b" has to wait, and what comes after it and lies in it waits for its turn.
    expect(others.map(({ has }) => has)).toEqual([false, false, false, true]);
    middle.release();
    await settle();
    expect(others.map(({ has }) => has)).toEqual([true, false, false, true]);
    others[0]?.release();
    await settle();
    expect(others.map(({ has }) => has)).toEqual([true, true, false, true]);
    others[1]?.release();
    await others[2]?.granted;
  });

  test("lets go of a job that is ended while it waits", async () => {
    const claims = new CheckoutClaims();
    const first = ask(claims, "/b/a");
    const stop = new AbortController();
    const second = ask(claims, "/b", stop.signal);
    const third = ask(claims, "/b/other");
    await settle();
    expect(third.has).toBe(false);
    stop.abort(new Error("canceled"));
    await expect(second.granted).rejects.toThrow("canceled");
    await third.granted;
    expect(first.has).toBe(true);
  });
});
