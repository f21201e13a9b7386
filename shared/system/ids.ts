import { randomBytes } from 'node:crypto';
import type { Ids } from '../ports/clock.ts';

/** Ids that no two processes share: 80 random bits, letters and digits only, as job ids and file names want them. */
export class RandomIds implements Ids {
  next(prefix: string): string {
    return `${prefix}-${BigInt(`0x${randomBytes(10).toString('hex')}`).toString(36).padStart(16, '0')}`;
  }
}

/** Ids that a test can name: run-1, run-2, msg-1. */
export class SequentialIds implements Ids {
  readonly #last = new Map<string, number>();

  next(prefix: string): string {
    const number = (this.#last.get(prefix) ?? 0) + 1;
    this.#last.set(prefix, number);
    return `${prefix}-${number}`;
  }
}
