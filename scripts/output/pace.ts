import { count, duration } from './words.ts';

const WINDOW_MS = 60_000;
const LEAST_SAMPLES = 20;

/**
 * How fast something counts up, by its last minute; where it counts slowly, by its last twenty steps. Times are
 * milliseconds that only ever rise.
 */
export class Pace {
  readonly #samples: { readonly at: number; readonly done: number }[] = [];
  #now: { readonly at: number; readonly done: number } | null = null;

  at(at: number, done: number): void {
    this.#now = { at, done };
    if (this.#samples.at(-1)?.done === done) return;
    this.#samples.push({ at, done });
    while (this.#samples.length > LEAST_SAMPLES && at - (this.#samples[1]?.at ?? at) >= WINDOW_MS) this.#samples.shift();
  }

  /** A second; 0 while nothing is known. */
  get rate(): number {
    const [first] = this.#samples;
    const last = this.#now;
    if (!first || !last || last.at <= first.at) return 0;
    return Math.max(0, (1000 * (last.done - first.done)) / (last.at - first.at));
  }

  /** `180/s`, `12/min`, `3/h`; empty while nothing is known. */
  get text(): string {
    const { rate } = this;
    if (rate === 0) return '';
    if (rate >= 1) return `${count(Math.round(rate))}/s`;
    return rate >= 1 / 60 ? `${count(Math.round(rate * 60))}/min` : `${count(Math.max(1, Math.round(rate * 3600)))}/h`;
  }

  /** An estimate of the time that so many more take; empty while nothing is known. */
  left(more: number): string {
    const { rate } = this;
    return rate === 0 || more <= 0 ? '' : `about ${duration(Math.max(1000, (1000 * more) / rate))} left`;
  }
}
