/** Numbers that are written out, as GitLab takes them in durations: `twenty-five minutes`. */

const SMALL: ReadonlyMap<string, number> = new Map([
  ["a", 1],
  ...[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
  ].map((word, value): [string, number] => [word, value]),
]);
const TENS: ReadonlyMap<string, number> = new Map(
  ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    .map((word, at): [string, number] => [word, (at + 2) * 10]),
);
const SCALES: ReadonlyMap<string, number> = new Map([["hundred", 100], ["thousand", 1000]]);

const WORDS = [...SMALL.keys(), ...TENS.keys(), ...SCALES.keys()].join("|");
const NUMBER = new RegExp(`\\b(?:${WORDS})\\b(?:[ -]+(?:and +)?(?:${WORDS})\\b)*`, "g");

/** `text`, in lower case, with digits in place of such words. */
export function withDigits(text: string): string {
  return text.replace(NUMBER, (phrase) => String(valueOf(phrase.split(/[ -]+/))));
}

function valueOf(words: readonly string[]): number {
  let total = 0;
  let part = 0;
  for (const word of words) {
    const scale = SCALES.get(word);
    if (scale === 1000) {
      total += (part || 1) * scale;
      part = 0;
    } else if (scale !== undefined) part = (part || 1) * scale;
    else part += SMALL.get(word) ?? TENS.get(word) ?? 0;
  }
  return total + part;
}
