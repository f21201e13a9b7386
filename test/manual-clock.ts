import type { Clock } from '../shared/ports/clock.ts';

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/** A clock that moves only when told; sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(startAt: number) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds <= 0 || signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      };
      const sleeper: Sleeper = { until: this.#now + milliseconds, wake };
      signal?.addEventListener('abort', wake, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** The instant at which the next sleeper wakes, or null. */
  nextWake(): number | null {
    return this.#sleepers.reduce<number | null>((next, { until }) => (next === null ? until : Math.min(next, until)), null);
  }

  advance(milliseconds: number): void {
    this.set(this.#now + milliseconds);
  }

  /** Moves on to an instant; to an earlier one, too, which wakes nobody. */
  set(instant: number): void {
    const due = this.#sleepers.filter(({ until }) => until <= instant).sort((a, b) => a.until - b.until);
    this.#now = instant;
    for (const sleeper of due) sleeper.wake();
  }
}
