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

/** Two independent 32-bit multiplicative hashes of a text (FNV-1a's scheme, finished as MurmurHash3 does). */
export function hash64(text: string): Hash64 {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
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

export function hex64(value: Hash64): string {
  return value.high.toString(16).padStart(8, '0') + value.low.toString(16).padStart(8, '0');
}

/** `rows:hex`, the form in which fingerprints are kept and compared. `sum` is the sum of row hashes modulo 2^64. */
export function fingerprint(rows: number, sum: bigint): string {
  return `${rows}:${BigInt.asUintN(64, sum).toString(16).padStart(16, '0')}`;
}
