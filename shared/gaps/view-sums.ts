import { add64, subtract64, ZERO, type Hash64 } from './fingerprint.ts';
import { PrefixSums } from './prefix-sums.ts';

/** What a digest is taken over: what is in the table now, or what each cell's last verified run wrote. */
export type Side = 'actual' | 'recorded';

/** How a digest that was read compares with both sides. `incomplete`: it equals one, and they differ. */
export type Match = 'as_read' | 'incomplete' | 'other';

/** Digests of one view of a processor's days, on both sides, over any range of days in constant time. */
export class ViewSums {
  readonly #actual: PrefixSums;
  /** Recorded less actual: nothing, wherever the rows are those that the last run wrote. */
  readonly #drift: PrefixSums;

  constructor(length: number) {
    this.#actual = new PrefixSums(length);
    this.#drift = new PrefixSums(length);
  }

  set(index: number, actual: Hash64, recorded: Hash64): void {
    this.#actual.set(index, actual);
    this.#drift.set(index, recorded === actual ? ZERO : subtract64(recorded, actual));
  }

  digest(from: number, to: number, side: Side): Hash64 {
    const actual = this.#actual.sum(from, to);
    return side === 'actual' ? actual : add64(actual, this.#drift.sum(from, to));
  }

  match(from: number, to: number, high: number, low: number): Match {
    if (this.#drift.is(from, to, 0, 0)) return this.#actual.is(from, to, high, low) ? 'as_read' : 'other';
    const asRecorded = subtract64({ high, low }, this.#drift.sum(from, to));
    return this.#actual.is(from, to, high, low) || this.#actual.is(from, to, asRecorded.high, asRecorded.low) ? 'incomplete' : 'other';
  }
}
