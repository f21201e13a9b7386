import type { Clock } from '../../shared/ports/clock.ts';

/** A clock that shows a given instant, goes on at real speed, and can be moved on: the demo's nights pass in no time. */
export class DemoClock implements Clock {
  #offset: number;
  readonly #moved = new EventTarget();

  constructor(startAt: number) {
    this.#offset = startAt - performance.now();
  }

  now(): number {
    return Math.floor(performance.now() + this.#offset);
  }

  advance(milliseconds: number): void {
    this.#offset += milliseconds;
    this.#moved.dispatchEvent(new Event('moved'));
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const until = this.now() + milliseconds;
    for (let left = milliseconds; left > 0; left = until - this.now()) {
      if (signal?.aborted) return;
      await this.#step(left, signal);
    }
  }

  #step(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#moved.removeEventListener('moved', done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#moved.addEventListener('moved', done);
      signal?.addEventListener('abort', done);
    });
  }
}
