/** Masking against a whole-text reference, with random secrets, texts and splits. */

import { expect, test } from "bun:test";
import { Masker, MaskRules, tokenPrefixes } from "../../core/trace/masker.ts";

const ROUNDS = 10_000;
const SEED = 0x5eed;

test("Masker gives the reference's result for 10,000 random splits, and leaks no secret", () => {
  const random = generator(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const { text, secrets } = sample(random);
    const writes = split(text, random);
    const expected = reference(text, secrets);
    const actual = mask(writes, secrets);
    const told = JSON.stringify({ round, secrets, writes });
    if (actual !== expected) throw new Error(`${told}: ${JSON.stringify({ actual, expected })}`);
    if (round % 4 !== 0) continue;
    // Secrets that cannot be made up by `[MASKED]` and what is around it.
    for (const secret of secrets.filter((value) => /^[xyz]+$/.test(value))) {
      expect(actual, told).not.toContain(secret);
    }
  }
});

test("Masker leaves text without secrets as it is, all of it at once", () => {
  const random = generator(SEED + 1);
  for (let round = 0; round < 500; round++) {
    const bytes = Buffer.from(Array.from({ length: 1 + random(300) }, () => 128 + random(128)));
    const out: Buffer[] = [];
    const rules = new MaskRules(tokenPrefixes([], { all: true }));
    rules.addValues(["a-secret-value", "another one"]);
    const masker = new Masker(rules, (part) => out.push(Buffer.from(part)));
    masker.write(bytes);
    expect(Buffer.concat(out)).toEqual(bytes);
  }
});

function mask(writes: readonly string[], secrets: readonly string[]): string {
  const rules = new MaskRules(tokenPrefixes(["tok_"], { all: true }));
  rules.addValues(secrets);
  let out = "";
  const masker = new Masker(rules, (bytes) => {
    out += Buffer.from(bytes).toString("latin1");
  });
  for (const part of writes) {
    const bytes = Buffer.from(part, "latin1");
    masker.write(bytes);
    bytes.fill(0x23);
  }
  masker.flush();
  return out;
}

/** Marks every byte of every occurrence, then replaces what the regular expressions find. */
function reference(text: string, secrets: readonly string[]): string {
  const regions: [number, number][] = [];
  for (let start = 0; start < text.length; start++) {
    for (const secret of secrets) {
      if (!text.startsWith(secret, start)) continue;
      const last = regions[regions.length - 1];
      if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], start + secret.length);
      else if (last?.[0] !== start) regions.push([start, start + secret.length]);
    }
  }
  let out = "";
  let at = 0;
  for (const [start, end] of regions) {
    out += `${text.slice(at, start)}[MASKED]`;
    at = end;
  }
  const parameters =
    /([?&](?:private_token|authenticity_token|rss_token|x-amz-signature|x-amz-credential|x-amz-security-token)=)[^&"'\x00-\x20]+/gi;
  const tokens =
    /(glpat-|gloas-|gldt-|glrt-|glcbt-|glrtr-|glptt-|glft-|glimt-|glagent-|glsoat-|glffct-|_gitlab_session=|gltok-|tok_)[A-Za-z0-9_.=-]+/g;
  return (out + text.slice(at)).replace(parameters, "$1[MASKED]").replace(tokens, "$1[MASKED]");
}

const HEADS = [
  "?private_token=",
  "&RSS_token=",
  "?X-Amz-Signature=",
  "&x-amz-security-TOKEN=",
  "glpat-",
  "glrtr-",
  "_gitlab_session=",
  "tok_",
];

function sample(random: Random): { text: string; secrets: string[] } {
  const letters = ["xy", "xyz", "abcdefgh-&?_=", "abcdefghijklmnop \n\r"][random(4)]!;
  const word = (most: number) =>
    Array.from({ length: 1 + random(most) }, () => letters[random(letters.length)]).join("");
  const secrets = Array.from({ length: random(6) }, () => word(random(3) === 0 ? 3 : 24));
  let text = "";
  const pieces = random(30);
  for (let i = 0; i < pieces; i++) {
    const kind = random(6);
    const secret = secrets[random(Math.max(1, secrets.length))] ?? "";
    if (kind < 2) text += secret;
    else if (kind === 2) text += secret.slice(0, random(secret.length + 1));
    else if (kind === 3) text += HEADS[random(HEADS.length)]!;
    else text += word(12);
  }
  return { text, secrets };
}

function split(text: string, random: Random): string[] {
  const most = 1 + random(random(2) === 0 ? 4 : 40);
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const length = 1 + random(most);
    parts.push(text.slice(at, at + length));
    at += length;
  }
  return parts;
}

type Random = (below: number) => number;

/** xorshift32: the same numbers on every machine. */
function generator(seed: number): Random {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
