import type { Ids } from '../shared/ports/clock.ts';

/** Ids that a test can name: run-1, run-2, msg-1. */
export class SequentialIds implements Ids {
  readonly #last = new Map<string, number>();

  next(prefix: string): string {
    const number = (this.#last.get(prefix) ?? 0) + 1;
    this.#last.set(prefix, number);
    return `${prefix}-${number}`;
  }
}
