import type { CollectionReference } from '@google-cloud/firestore';
import { z } from 'zod';
import { formatDay, parseDay, type Day } from '../calendar/day.ts';
import { decodeRemembered, encodeRemembered, type CoverageMemo, type Remembered } from './coverage-memo.ts';

const blockSchema = z.object({ days: z.record(z.string(), z.unknown()).default({}) });

/** One document a processor and block, `{processor}~{block}`: 128 days of some 500 bytes, far below Firestore's 1 MiB. */
export class FirestoreCoverageMemo implements CoverageMemo {
  readonly #blocks: () => Promise<CollectionReference>;

  constructor(blocks: () => Promise<CollectionReference>) {
    this.#blocks = blocks;
  }

  async read(processor: string, block: number): Promise<ReadonlyMap<Day, Remembered>> {
    const document = await (await this.#blocks()).doc(`${processor}~${block}`).get();
    const parsed = blockSchema.safeParse(document.data() ?? {});
    const found = new Map<Day, Remembered>();
    for (const [name, text] of Object.entries(parsed.success ? parsed.data.days : {})) {
      const day = parseDay(name);
      const remembered = decodeRemembered(text);
      if (day !== undefined && remembered) found.set(day, remembered);
    }
    return found;
  }

  /** Merged: two that measured different days of a block both stay. */
  async write(processor: string, block: number, days: ReadonlyMap<Day, Remembered | null>): Promise<void> {
    if (days.size === 0) return;
    const { FieldValue } = await import('@google-cloud/firestore');
    const values = Object.fromEntries([...days].map(([day, remembered]) => [formatDay(day), remembered === null ? FieldValue.delete() : encodeRemembered(remembered)]));
    await (await this.#blocks()).doc(`${processor}~${block}`).set({ days: values }, { merge: true });
  }
}
