import { randomBytes } from 'node:crypto';
import type { Ids } from '../ports/clock.ts';

/** Ids that no two processes share: 80 random bits, letters and digits only, as job ids and file names want them. */
export class RandomIds implements Ids {
  next(prefix: string): string {
    return `${prefix}-${BigInt(`0x${randomBytes(10).toString('hex')}`).toString(36).padStart(16, '0')}`;
  }
}
