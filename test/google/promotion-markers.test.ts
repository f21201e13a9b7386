import assert from 'node:assert/strict';
import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import { dayOf } from '../../shared/calendar/day.ts';
import { FirestorePromotionMarkers } from '../../shared/google/promotion-markers-firestore.ts';
import { NO_MARKERS } from '../../shared/google/promotion-markers.ts';
import type { Promotion } from '../../shared/ports/warehouse.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';

describeWithFirestore('Promotion markers in Firestore', () => {
  const key = { processor: 'Boxscores', day: dayOf('2023-11-15') };
  const marker = (generation: number, runId = `run-${generation}`): Promotion => ({ runId, generation, token: generation, fingerprint: '1:00', trace: '{"inputs":[]}' });
  let firestore: Firestore;
  let collection: CollectionReference;
  let markers: FirestorePromotionMarkers;

  beforeEach(() => {
    firestore = emulatedFirestore();
    collection = firestore.collection(`${freshRoot()}/markers`);
    markers = new FirestorePromotionMarkers(async () => collection);
  });
  afterEach(() => firestore.terminate());

  it('are none of a cell that nobody wrote', async () => {
    assert.deepEqual(await markers.read(key), NO_MARKERS);
  });

  it('keep intents until a promotion settles them, in one document a cell', async () => {
    assert.deepEqual(await markers.intend(key, marker(1)), { kind: 'intended', lower: [] });
    assert.deepEqual(await markers.intend(key, marker(2)), { kind: 'intended', lower: [1] });
    assert.deepEqual(await markers.intend(key, marker(1, 'late')), { kind: 'over', by: 2 });
    await markers.settle(key, marker(2));
    assert.deepEqual(await markers.read(key), { promoted: marker(2), intents: [] });
    assert.deepEqual(await markers.intend(key, marker(2, 'rival')), { kind: 'promoted', winner: marker(2) });
    assert.deepEqual((await collection.listDocuments()).map(({ id }) => id), ['Boxscores~2023-11-15']);
  });

  it('let every rival of a generation intend at once, and lose none', async () => {
    const rivals = Array.from({ length: 8 }, (_, index) => marker(1, `rival-${index}`));
    assert.deepEqual((await Promise.all(rivals.map((rival) => markers.intend(key, rival)))).map(({ kind }) => kind), rivals.map(() => 'intended'));
    assert.equal((await markers.read(key)).intents.length, 8);
  });

  it('are of one epoch for all instances, until the state is wiped', async () => {
    const other = new FirestorePromotionMarkers(async () => collection);
    const [mine, theirs] = await Promise.all([markers.epoch(), other.epoch()]);
    assert.equal(mine, theirs);
    await firestore.recursiveDelete(collection);
    assert.equal(await markers.epoch(), mine, 'it is read once a process');
    assert.notEqual(await new FirestorePromotionMarkers(async () => collection).epoch(), mine);
  });
});
