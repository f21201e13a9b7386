/**
 * Sums of 64-bit hashes modulo 2^64, as two unsigned 32-bit halves: BigInt would make window digests over a million
 * cells a matter of seconds.
 */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

export const ZERO: Hash64 = { high: 0, low: 0 };

/** The fingerprint of a date that was written and holds no row. */
export const EMPTY_FINGERPRINT = '0:0000000000000000';

const TWO_32 = 4_294_967_296;

/** Two independent 32-bit multiplicative hashes of a text (FNV-1a's scheme, finished as MurmurHash3 does), from a seed. */
export function hash64(text: string, seed = 0): Hash64 {
  let low = 0x811c9dc5 ^ Math.imul(seed, 0x85ebca6b);
  let high = 0x9747b28c ^ Math.imul(seed, 0x27d4eb2f);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995);
    high ^= high >>> 15;
  }
  return { high: finish(high ^ text.length), low: finish(low + Math.imul(high, 0x9e3779b1)) };
}

function finish(half: number): number {
  let mixed = half;
  mixed ^= mixed >>> 16;
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export function add64(a: Hash64, b: Hash64): Hash64 {
  const low = a.low + b.low;
  return { high: (a.high + b.high + (low >= TWO_32 ? 1 : 0)) >>> 0, low: low >>> 0 };
}

export function subtract64(a: Hash64, b: Hash64): Hash64 {
  const low = a.low - b.low;
  return { high: (a.high - b.high - (low < 0 ? 1 : 0)) >>> 0, low: low >>> 0 };
}

/** Sixteen digits. Made in one piece: as a sum of parts, a million of them would take three times the memory. */
export function hex64({ high, low }: Hash64): string {
  return String.fromCharCode(
    digitOf(high >>> 28), digitOf(high >>> 24), digitOf(high >>> 20), digitOf(high >>> 16), digitOf(high >>> 12), digitOf(high >>> 8), digitOf(high >>> 4), digitOf(high),
    digitOf(low >>> 28), digitOf(low >>> 24), digitOf(low >>> 20), digitOf(low >>> 16), digitOf(low >>> 12), digitOf(low >>> 8), digitOf(low >>> 4), digitOf(low),
  );
}

/** Character code of the lowest hexadecimal digit. */
function digitOf(bits: number): number {
  const nibble = bits & 15;
  return nibble < 10 ? 48 + nibble : 87 + nibble;
}

/** The value that a text is `hex64` of; undefined of any other text. */
export function parseHex64(text: string | undefined): Hash64 | undefined {
  if (text?.length !== 16) return undefined;
  const high = parseHalf(text, 0);
  const low = parseHalf(text, 8);
  return high < 0 || low < 0 ? undefined : { high, low };
}

/** By character code; -1 of what is no digit. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code)));

/** No branch on a digit, as good as random: hundreds of thousands of digests are parsed when a world is read. */
function parseHalf(text: string, at: number): number {
  let half = 0;
  let bad = 0;
  for (let index = at; index < at + 8; index += 1) {
    const code = text.charCodeAt(index);
    const digit = DIGITS[code & 127] ?? -1;
    bad |= digit | (127 - code);
    half = (half << 4) | digit;
  }
  return bad < 0 ? -1 : half >>> 0;
}

/** `rows:hex`, the form in which fingerprints are kept and compared. `sum` is the sum of row hashes modulo 2^64. */
export function fingerprint(rows: number, sum: bigint): string {
  return `${rows}:${BigInt.asUintN(64, sum).toString(16).padStart(16, '0')}`;
}
