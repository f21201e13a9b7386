import assert from 'node:assert/strict';
import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import { day, dayOf, type Day } from '../../shared/calendar/day.ts';
import { FirestoreCoverageMemo } from '../../shared/google/coverage-memo-firestore.ts';
import { BLOCK_DAYS, blockOf, type Remembered } from '../../shared/google/coverage-memo.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';

describeWithFirestore('Remembered coverage in Firestore', () => {
  const first = day(blockOf(dayOf('2023-11-15')) * BLOCK_DAYS);
  const remembered = (rows: number): Remembered => ({
    mark: `rule:${rows}:1`, coverage: { rows, games: { A: rows }, duplicates: 0, nulls: 0, fingerprint: `${rows}:00`, views: { 'player_id,points': `${rows}:01` } },
  });
  let firestore: Firestore;
  let collection: CollectionReference;
  let memo: FirestoreCoverageMemo;

  beforeEach(() => {
    firestore = emulatedFirestore();
    collection = firestore.collection(`${freshRoot()}/coverage`);
    memo = new FirestoreCoverageMemo(async () => collection);
  });
  afterEach(() => firestore.terminate());

  const block = blockOf(first);
  const read = async (): Promise<readonly (readonly [Day, Remembered])[]> => [...await memo.read('Boxscores', block)].sort(([a], [b]) => a - b);

  it('comes back as it was written, and is one document a block', async () => {
    const days = new Map(Array.from({ length: BLOCK_DAYS }, (_, index) => [day(first + index), remembered(index + 1)] as const));
    await memo.write('Boxscores', block, days);
    assert.deepEqual(await read(), [...days]);
    assert.deepEqual((await collection.listDocuments()).map(({ id }) => id), [`Boxscores~${block}`]);
  });

  it('is merged: two that measured other days both stay', async () => {
    await Promise.all([
      memo.write('Boxscores', block, new Map([[first, remembered(1)]])),
      new FirestoreCoverageMemo(async () => collection).write('Boxscores', block, new Map([[day(first + 1), remembered(2)]])),
    ]);
    assert.deepEqual(await read(), [[first, remembered(1)], [day(first + 1), remembered(2)]]);
  });

  it('is replaced as a whole day, and forgotten by day', async () => {
    await memo.write('Boxscores', block, new Map([[first, remembered(1)], [day(first + 1), remembered(2)]]));
    await memo.write('Boxscores', block, new Map([[first, null], [day(first + 1), remembered(3)]]));
    assert.deepEqual(await read(), [[day(first + 1), remembered(3)]]);
  });

  it('that cannot be read is not remembered', async () => {
    await collection.doc(`Boxscores~${block}`).set({ days: { '2023-11-15': '{"mark":1}', 'no date': 'x', '2023-11-16': 7 } });
    assert.deepEqual(await read(), []);
  });
});
