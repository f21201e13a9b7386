import { hash64, type Hash64 } from './fingerprint.ts';

const TWO_32 = 4_294_967_296;

/**
 * Running sums over days of 64-bit values modulo 2^64, made lazily and again from the first day that changed: a window's
 * sum is one subtraction, whatever its length, and filling a season in order costs no more than reading it.
 */
export class PrefixSums {
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #value: (index: number) => Hash64 | null;
  /** Sums up to and with this index are right. */
  #validTo = 0;

  /** `value(i)` is what day i adds; null adds nothing. */
  constructor(length: number, value: (index: number) => Hash64 | null) {
    this.#high = new Uint32Array(length + 1);
    this.#low = new Uint32Array(length + 1);
    this.#value = value;
  }

  /** Day `index` has another value now. */
  changed(index: number): void {
    if (index < this.#validTo) this.#validTo = index;
  }

  /** Sum over days [from, to], both included. */
  sum(from: number, to: number): Hash64 {
    this.#makeValid(to + 1);
    const low = (this.#low[to + 1] ?? 0) - (this.#low[from] ?? 0);
    const high = (this.#high[to + 1] ?? 0) - (this.#high[from] ?? 0) - (low < 0 ? 1 : 0);
    return { high: high >>> 0, low: low >>> 0 };
  }

  #makeValid(to: number): void {
    for (let index = this.#validTo; index < to; index += 1) {
      const value = this.#value(index);
      let low = this.#low[index] ?? 0;
      let high = this.#high[index] ?? 0;
      if (value) {
        low += value.low;
        high += value.high + (low >= TWO_32 ? 1 : 0);
      }
      this.#low[index + 1] = low;
      this.#high[index + 1] = high;
    }
    if (to > this.#validTo) this.#validTo = to;
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
  return hash64(`${date}|${content}`);
}
