import { randomBytes } from 'node:crypto';
import type { Ids } from '../ports/clock.ts';

const BYTES = 10;
/** Ids made of one call for random bytes: each call takes as long as all the rest. */
const IDS_A_CALL = 100;

/** Ids that no two processes share: 80 random bits, letters and digits only, as job ids and file names want them. */
export class RandomIds implements Ids {
  #bytes = Buffer.alloc(0);
  #used = 0;

  next(prefix: string): string {
    if (this.#used >= this.#bytes.length) {
      this.#bytes = randomBytes(BYTES * IDS_A_CALL);
      this.#used = 0;
    }
    const bytes = this.#bytes.toString('hex', this.#used, this.#used += BYTES);
    return `${prefix}-${BigInt(`0x${bytes}`).toString(36).padStart(16, '0')}`;
  }
}
