import type { Day } from '../calendar/day.ts';

/** Days from which the oldest mostly go first. */
export class SortedDays {
  readonly #days: Day[];
  readonly #removed = new Set<Day>();
  #first = 0;

  constructor(days: Day[]) {
    this.#days = days.sort((a, b) => a - b);
  }

  remove(day: Day): void {
    this.#removed.add(day);
    for (let next = this.#days[this.#first]; next !== undefined && this.#removed.has(next); next = this.#days[this.#first]) {
      this.#removed.delete(next);
      this.#first += 1;
    }
  }

  anyIn(from: Day, to: Day): boolean {
    for (let index = this.#lowerBound(from); index < this.#days.length; index += 1) {
      const day = this.#days[index];
      if (day === undefined || day > to) return false;
      if (!this.#removed.has(day)) return true;
    }
    return false;
  }

  #lowerBound(from: Day): number {
    let low = this.#first;
    let high = this.#days.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#days[middle] ?? from) < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
