/** CRC-32 of two byte runs put together, from the checksum of each. */

const POLYNOMIAL = 0xedb88320;
/** x^1 in the reflected representation that CRC-32 uses. */
const X = 0x40000000;
const ONE = 0x80000000;

/** The checksum of A followed by B, where `lengthB` is B's length in bytes. */
export function combineCrc32(crcA: number, crcB: number, lengthB: number): number {
  return (multiply(powerOfX(lengthB * 8), crcA) ^ crcB) >>> 0;
}

/** x^n modulo the polynomial, by repeated squaring. */
function powerOfX(n: number): number {
  let result = ONE;
  let square = X;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(square, result);
    square = multiply(square, square);
  }
  return result;
}

function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let mask = 0x80000000; mask !== 0; mask >>>= 1) {
    if ((a & mask) !== 0) product ^= shifted;
    shifted = (shifted & 1) !== 0 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}
