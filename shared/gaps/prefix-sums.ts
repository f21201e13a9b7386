import { hash64, ZERO, type Hash64 } from './fingerprint.ts';

const TWO_32 = 4_294_967_296;

/**
 * Values of 64 bits by day, with running sums modulo 2^64 that are made lazily and again from the first day that changed:
 * a window's sum is one subtraction, whatever its length, and filling a season in order costs no more than reading it.
 * Takes no room until a value is set.
 */
export class PrefixSums {
  readonly #length: number;
  /** Values, then sums of all values before: high and low half in turn. */
  #values: Uint32Array | null = null;
  #sums: Uint32Array | null = null;
  /** Sums up to and with this index are right. */
  #validTo = 0;

  constructor(length: number) {
    this.#length = length;
  }

  /** What day `index` adds; nothing, until it is set. */
  set(index: number, { high, low }: Hash64): void {
    if (!this.#values) {
      if (high === 0 && low === 0) return;
      this.#values = new Uint32Array(2 * this.#length);
      this.#sums = new Uint32Array(2 * this.#length + 2);
    }
    if (this.#values[2 * index] === high && this.#values[2 * index + 1] === low) return;
    this.#values[2 * index] = high;
    this.#values[2 * index + 1] = low;
    if (index < this.#validTo) this.#validTo = index;
  }

  /** Sum over days [from, to], both included. */
  sum(from: number, to: number): Hash64 {
    if (!this.#sums) return ZERO;
    this.#makeValid(to + 1);
    const low = (this.#sums[2 * to + 3] ?? 0) - (this.#sums[2 * from + 1] ?? 0);
    const high = (this.#sums[2 * to + 2] ?? 0) - (this.#sums[2 * from] ?? 0) - (low < 0 ? 1 : 0);
    return { high: high >>> 0, low: low >>> 0 };
  }

  /** Whether the sum over [from, to] is this value. */
  is(from: number, to: number, high: number, low: number): boolean {
    if (!this.#sums) return high === 0 && low === 0;
    this.#makeValid(to + 1);
    const lowSum = (this.#sums[2 * to + 3] ?? 0) - (this.#sums[2 * from + 1] ?? 0);
    if (lowSum >>> 0 !== low) return false;
    return ((this.#sums[2 * to + 2] ?? 0) - (this.#sums[2 * from] ?? 0) - (lowSum < 0 ? 1 : 0)) >>> 0 === high;
  }

  #makeValid(to: number): void {
    const sums = this.#sums;
    if (to <= this.#validTo || !sums || !this.#values) return;
    let high = sums[2 * this.#validTo] ?? 0;
    let low = sums[2 * this.#validTo + 1] ?? 0;
    for (let index = this.#validTo; index < to; index += 1) {
      low += this.#values[2 * index + 1] ?? 0;
      high = (high + (this.#values[2 * index] ?? 0) + (low >= TWO_32 ? 1 : 0)) >>> 0;
      low >>>= 0;
      sums[2 * index + 2] = high;
      sums[2 * index + 3] = low;
    }
    this.#validTo = to;
  }
}

/** Running counts over days, with the same laziness. */
export class PrefixCounts {
  readonly #count: Uint32Array;
  readonly #holds: (index: number) => boolean;
  #validTo = 0;

  constructor(length: number, holds: (index: number) => boolean) {
    this.#count = new Uint32Array(length + 1);
    this.#holds = holds;
  }

  changed(index: number): void {
    if (index < this.#validTo) this.#validTo = index;
  }

  /** How many days of [from, to] hold. */
  count(from: number, to: number): number {
    this.#makeValid(to + 1);
    return (this.#count[to + 1] ?? 0) - (this.#count[from] ?? 0);
  }

  /** The last day of [from, to] that holds, or -1. */
  lastIn(from: number, to: number): number {
    if (this.count(from, to) === 0) return -1;
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.count(middle, to) > 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The first day of [from, to] that holds, or -1. */
  firstIn(from: number, to: number): number {
    if (this.count(from, to) === 0) return -1;
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.count(from, middle) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #makeValid(to: number): void {
    for (let index = this.#validTo; index < to; index += 1) {
      this.#count[index + 1] = (this.#count[index] ?? 0) + (this.#holds(index) ? 1 : 0);
    }
    if (to > this.#validTo) this.#validTo = to;
  }
}

/** What one day's content adds to a window's digest. `content` is a fingerprint, or `absent`. */
export function entryHash(date: number, content: string): Hash64 {
  return hash64(content, date);
}
