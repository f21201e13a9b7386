import type { Clock } from '../ports/clock.ts';

/** Timers longer than this fire at once; a longer sleep is slept in parts. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock; with `startAt`, one that shows that instant now and goes on at real speed (`--now`). */
export class SystemClock implements Clock {
  readonly #startAt: number | null;
  readonly #started = performance.now();

  constructor(startAt: number | null = null) {
    this.#startAt = startAt;
  }

  now(): number {
    return this.#startAt === null ? Date.now() : Math.floor(this.#startAt + performance.now() - this.#started);
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    for (let left = Math.max(0, milliseconds); left >= 0; left -= LONGEST_TIMER_MS) {
      if (signal?.aborted) return;
      await timer(Math.min(left, LONGEST_TIMER_MS), signal);
      if (left <= LONGEST_TIMER_MS) return;
    }
  }
}

/** Node's own promise of a timer makes an error, with its stack, of each that is ended early: as a beat is after every cell. */
async function timer(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(running);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const running = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
  });
}

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
