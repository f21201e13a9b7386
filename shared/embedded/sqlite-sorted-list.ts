/**
 * A list kept in order. Places are found by halving; adding and removing move the rest of the array, which for the tens
 * of thousands of entries of a long queue is a copy of a few microseconds. No two entries may compare as equal.
 */
export class SortedList<T> {
  readonly #compare: (a: T, b: T) => number;
  #items: T[] = [];
  /** Entries before this place were taken from the front: removing the first one, the usual case, moves nothing. */
  #start = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  add(item: T): void {
    this.#items.splice(this.#place(item), 0, item);
  }

  /** False when it was not in the list. */
  remove(item: T): boolean {
    const place = this.#place(item);
    if (this.#items[place] !== item) return false;
    if (place !== this.#start) {
      this.#items.splice(place, 1);
      return true;
    }
    this.#start += 1;
    if (this.#start > 1024 && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return true;
  }

  first(count: number): readonly T[] {
    return this.#items.slice(this.#start, this.#start + Math.max(0, count));
  }

  clear(): void {
    this.#items = [];
    this.#start = 0;
  }

  #place(item: T): number {
    let low = this.#start;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#items[middle];
      if (other !== undefined && this.#compare(other, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
