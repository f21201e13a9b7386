import { randomUUID } from 'node:crypto';
import type { CollectionReference, DocumentReference } from '@google-cloud/firestore';
import { z } from 'zod';
import { formatDay } from '../calendar/day.ts';
import type { Promotion } from '../ports/warehouse.ts';
import { markerStateSchema, NO_MARKERS, withIntent, withPromoted, type Intent, type MarkerKey, type MarkerState, type PromotionMarkers } from './promotion-markers.ts';

const EPOCH = '_epoch';
const epochSchema = z.object({ epoch: z.string() });

/** One document a cell: `{processor}~{date}`. A cell is written by the few attempts on it, never by all workers (P15). */
export class FirestorePromotionMarkers implements PromotionMarkers {
  readonly #markers: () => Promise<CollectionReference>;
  #epoch: Promise<string> | null = null;

  constructor(markers: () => Promise<CollectionReference>) {
    this.#markers = markers;
  }

  epoch(): Promise<string> {
    this.#epoch ??= this.#readEpoch().catch((thrown: unknown) => {
      this.#epoch = null;
      throw thrown;
    });
    return this.#epoch;
  }

  async intend(key: MarkerKey, marker: Promotion): Promise<Intent> {
    const markers = await this.#markers();
    const document = documentOf(markers, key);
    // The callback may run several times (P16): it decides from what it read, and does nothing else.
    return markers.firestore.runTransaction(async (transaction) => {
      const before = stateOf(await transaction.get(document));
      const { intent, state } = withIntent(before, marker);
      if (state !== before) transaction.set(document, state);
      return intent;
    });
  }

  async read(key: MarkerKey): Promise<MarkerState> {
    return stateOf(await documentOf(await this.#markers(), key).get());
  }

  async settle(key: MarkerKey, marker: Promotion): Promise<void> {
    const markers = await this.#markers();
    const document = documentOf(markers, key);
    await markers.firestore.runTransaction(async (transaction) => {
      transaction.set(document, withPromoted(stateOf(await transaction.get(document)), marker));
    });
  }

  async #readEpoch(): Promise<string> {
    const markers = await this.#markers();
    const document = markers.doc(EPOCH);
    return markers.firestore.runTransaction(async (transaction) => {
      const found = epochSchema.safeParse((await transaction.get(document)).data());
      if (found.success) return found.data.epoch;
      const epoch = randomUUID();
      transaction.set(document, { epoch });
      return epoch;
    });
  }
}

function documentOf(markers: CollectionReference, { processor, day }: MarkerKey): DocumentReference {
  return markers.doc(`${processor}~${formatDay(day)}`);
}

function stateOf(snapshot: { data(): unknown }): MarkerState {
  const data = snapshot.data();
  return data === undefined ? NO_MARKERS : markerStateSchema.parse(data);
}
