/** What a plain scalar means to GitLab, whose YAML reader knows most of YAML 1.1 and some of its own. */

const TRUE = /^(?:yes|true|on)$/i;
const FALSE = /^(?:no|false|off)$/i;
const NULL = /^(?:null|~)$/i;
/** `010` is octal, `09` and `0o10` are text. Commas may group digits. */
const INTEGER = /^[-+]?(?:0b[01_,]+|0[0-7_,]+|0|[1-9](?:[0-9]|,[0-9]|_[0-9])*|0x[0-9a-fA-F_,]+)$/;
const FLOAT = /^[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?$/;
const SEXAGESIMAL = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}(?:\.[0-9_]*)?$/;
const DATE = /^\d{4}-(?:1[012]|0\d|\d)-(?:[12]\d|3[01]|0\d|\d)$/;
const TIME =
  /^-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?$/;

/** First characters of scalars that are more than text. Most scalars of a CI file begin otherwise. */
const WORD_STARTS: ReadonlySet<string | undefined> = new Set("nNyYtTfFoO~");
const NUMBER_STARTS: ReadonlySet<string | undefined> = new Set("0123456789+-.");
const LONGEST_WORD = 5;

export type ScalarValue =
  | {
    readonly kind: "value";
    readonly value: string | number | boolean | null;
    readonly text: string;
  }
  /** A date or a time: GitLab refuses such values with the name of their class. */
  | { readonly kind: "class"; readonly name: "Date" | "Time" };

export function plainScalar(source: string): ScalarValue {
  if (source === "") return of(null, "");
  const first = source[0];
  if (WORD_STARTS.has(first)) return word(source);
  return NUMBER_STARTS.has(first) ? number(source) : of(source, source);
}

function word(source: string): ScalarValue {
  if (source.length > LONGEST_WORD) return of(source, source);
  if (NULL.test(source)) return of(null, "");
  if (TRUE.test(source)) return of(true, "true");
  return FALSE.test(source) ? of(false, "false") : of(source, source);
}

function number(source: string): ScalarValue {
  if (DATE.test(source)) return { kind: "class", name: "Date" };
  if (TIME.test(source)) return { kind: "class", name: "Time" };
  if (/^\+?\.inf$/i.test(source)) return of(Infinity, "Infinity");
  if (/^-\.inf$/i.test(source)) return of(-Infinity, "-Infinity");
  if (/^\.nan$/i.test(source)) return of(NaN, "NaN");
  if (INTEGER.test(source)) return integer(source);
  if (FLOAT.test(source) && /\d/.test(source)) return float(source);
  return SEXAGESIMAL.test(source) ? sexagesimal(source) : of(source, source);
}

function of(value: string | number | boolean | null, text: string): ScalarValue {
  return { kind: "value", value, text };
}

function integer(source: string): ScalarValue {
  const sign = source.startsWith("-") ? "-" : "";
  const digits = source.replace(/^[-+]/, "").replace(/[_,]/g, "");
  // A prefix with nothing behind it is no number.
  if (/^0[bx]$/.test(digits)) return of(source, source);
  const octal = /^0([0-7]+)$/.exec(digits)?.[1];
  const exact = BigInt(octal === undefined ? digits : `0o${octal}`);
  // What a number cannot hold keeps all its digits as text.
  const text = exact === 0n ? "0" : `${sign}${exact}`;
  return of(Number(text), text);
}

function float(source: string): ScalarValue {
  return floatOf(Number(source.replace(/[_,]/g, "")));
}

function floatOf(value: number): ScalarValue {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return of(value, /[.e]/.test(text) ? text : `${text}.0`);
}

/** Always hours, minutes and seconds: `1:30` is 5400. A sign is that of the hours alone. */
function sexagesimal(source: string): ScalarValue {
  const parts = source.replaceAll("_", "").split(":").map(Number);
  const value = parts.reduce((sum, part, index) => sum + part * 60 ** Math.abs(index - 2), 0);
  return source.includes(".") ? floatOf(value) : of(value, String(value));
}
