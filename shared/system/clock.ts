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
