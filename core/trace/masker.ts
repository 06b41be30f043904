/**
 * Hides secrets in a stream of bytes, however the stream is cut into writes: masked values, then
 * the values of secret URL parameters, then what follows the prefix of a GitLab token.
 */

import { PatternSet } from "./pattern_set.ts";
import { TailMasker } from "./tail_masker.ts";
import { ValueMasker } from "./value_masker.ts";

/** Takes bytes that may be reused as soon as the call has returned. */
export type EmitBytes = (bytes: Uint8Array) => void;

const URL_PARAMETERS = [
  "private_token",
  "authenticity_token",
  "rss_token",
  "x-amz-signature",
  "x-amz-credential",
  "x-amz-security-token",
];

function urlHeads(name: string): Uint8Array[] {
  return ["?", "&"].map((separator) => bytesOf(`${separator}${name}=`));
}

/** The same for every job: building it for each would cost more memory than all else of a trace. */
const URL_PARAMETER_HEADS = new PatternSet(URL_PARAMETERS.flatMap(urlHeads), { ignoreCase: true });

/** What a job must not show; shared by all the streams of one job. */
export class MaskRules {
  readonly urlParameters = URL_PARAMETER_HEADS;
  readonly tokenPrefixes: PatternSet;
  readonly #values = new Set<string>();
  #patterns = new PatternSet([]);

  /** `prefixes` are those of {@link tokenPrefixes}. */
  constructor(prefixes: readonly string[]) {
    this.tokenPrefixes = new PatternSet(withoutLongerForms(prefixes).map(bytesOf));
  }

  get values(): PatternSet {
    return this.#patterns;
  }

  /** Hides `values` in what is written from now on. */
  addValues(values: readonly string[]): void {
    const before = this.#values.size;
    for (const value of values) this.#values.add(value);
    if (this.#values.size === before) return;
    this.#patterns = new PatternSet([...this.#values].map(bytesOf));
  }
}

/** Masks one stream. Holds back only bytes that may be the start of a masked value. */
export class Masker {
  readonly #values: ValueMasker;
  readonly #parameters: TailMasker;
  readonly #tokens: TailMasker;

  constructor(rules: MaskRules, emit: EmitBytes) {
    this.#tokens = new TailMasker(rules.tokenPrefixes, TOKEN_BYTES, emit);
    const tokens = this.#tokens;
    this.#parameters = new TailMasker(
      rules.urlParameters,
      PARAMETER_BYTES,
      (bytes) => tokens.write(bytes),
    );
    const parameters = this.#parameters;
    this.#values = new ValueMasker(() => rules.values, (bytes) => parameters.write(bytes));
  }

  /** Emits, before it returns, all of `bytes` that is decided. */
  write(bytes: Uint8Array): void {
    this.#values.write(bytes);
  }

  /** Emits what is held back: the stream has come to an end, or something else comes in between. */
  flush(): void {
    this.#values.flush();
    this.#parameters.reset();
    this.#tokens.reset();
  }
}

/** Most prefixes a coordinator may bring along; GitLab Runner considers as many. */
const MOST_COORDINATOR_PREFIXES = 15;

const PERSONAL_TOKEN = "glpat-";
const DEFAULT_TOKENS = [
  "gloas-",
  "gldt-",
  "glrt-",
  "glcbt-",
  "glrtr-",
  "glptt-",
  "glft-",
  "glimt-",
  "glagent-",
  "glsoat-",
  "glffct-",
  "_gitlab_session=",
  "gltok-",
];

/** Prefixes to look for. `all`: FF_MASK_ALL_DEFAULT_TOKENS; `fromCoordinator`: token_mask_prefixes. */
export function tokenPrefixes(
  fromCoordinator: readonly string[],
  options: { all: boolean },
): string[] {
  const own = options.all ? [PERSONAL_TOKEN, ...DEFAULT_TOKENS] : [PERSONAL_TOKEN];
  const theirs = fromCoordinator.map((prefix) => prefix.trim()).filter((prefix) => prefix !== "");
  return [...new Set([...own, ...theirs.slice(0, MOST_COORDINATOR_PREFIXES)])];
}

const TOKEN_BYTES = byteTable((byte) => /[A-Za-z0-9_.=-]/.test(String.fromCharCode(byte)));
const PARAMETER_BYTES = byteTable((byte) =>
  byte > 0x20 && !"&\"'".includes(String.fromCharCode(byte))
);

function byteTable(belongs: (byte: number) => boolean): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < table.length; byte++) table[byte] = belongs(byte) ? 1 : 0;
  return table;
}

/**
 * Without prefixes that continue another one with token characters: the shorter one hides them
 * too, and the result does not depend on how the text is cut.
 */
function withoutLongerForms(prefixes: readonly string[]): string[] {
  const covered = (long: string, short: string) =>
    long !== short && long.startsWith(short) &&
    bytesOf(long.slice(short.length)).every((byte) => TOKEN_BYTES[byte] === 1);
  return prefixes.filter((long) => !prefixes.some((short) => covered(long, short)));
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}
