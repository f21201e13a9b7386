import assert from 'node:assert/strict';
import type { Firestore } from '@google-cloud/firestore';
import { addDays } from '../../shared/calendar/day.ts';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import type { RequestChangeRow } from '../../shared/ports/run-history.ts';
import { changeRow } from '../contract/history-rows.ts';
import { cellWith, nov15, now, openRequest, raw15 } from '../contract/request-records.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';

describeWithFirestore('Firestore costs', () => {
  let client: Firestore;
  let store: FirestoreRequestStore;
  let used: { reads: number; writes: number; deletes: number };
  const change = (status: string): RequestChangeRow => changeRow({ status });
  beforeEach(() => {
    client = emulatedFirestore();
    store = new FirestoreRequestStore(client, {
      rankOf: () => 0, root: freshRoot(),
      onUsage: ({ reads, writes, deletes }) => { used = { reads: used.reads + reads, writes: used.writes + writes, deletes: used.deletes + deletes }; },
    });
    used = { reads: 0, writes: 0, deletes: 0 };
  });
  afterEach(() => client.terminate());

  it('uses at most five reads and eight writes for a cell, from its claim to its end', async () => {
    await store.transact({}, () => ({ writes: { cells: [cellWith(raw15, { asks: ['ask-1'] })] }, result: null }));
    used = { reads: 0, writes: 0, deletes: 0 };
    await store.transact({ cells: [raw15], slots: ['Raw'], controls: true }, (snapshot) => {
      snapshot.controls();
      const cell = snapshot.cell(raw15);
      return { writes: { cells: [{ ...cell, request: openRequest({ state: 'processing', asks: ['ask-1'] }) }], slots: [snapshot.slots('Raw')], changes: [change('processing')] }, result: null };
    });
    await store.transact({ cells: [raw15], slots: ['Raw'] }, (snapshot) => {
      const cell = snapshot.cell(raw15);
      return {
        writes: {
          cells: [{ ...cell, request: null, last: { runId: 'run-1', at: now, rows: 1, fingerprint: 'f', views: {}, trace: null, origin: 'ours', forced: false } }],
          slots: [snapshot.slots('Raw')], askCells: [{ askId: 'ask-1', ...raw15, outcome: 'ran', note: '', at: now }], traces: [{ runId: 'run-1', trace: '[1]' }],
          outbox: [{ id: 'm', topic: 't', body: '{}' }], changes: [change('completed')],
        },
        result: null,
      };
    });
    assert.deepEqual(used, { reads: 5, writes: 8, deletes: 0 });
    assert.equal(await store.trace('run-1'), '[1]');
  });

  it('takes an ask on two hundred cells in one commit', async () => {
    const keys = Array.from({ length: 200 }, (_, index) => ({ processor: index % 2 ? 'Raw' : 'Summary', day: addDays(nov15, index) }));
    const opened = await store.transact({ cells: keys, asks: ['ask-200'] }, (snapshot) => ({
      writes: {
        cells: keys.map((key) => ({ ...snapshot.cell(key), request: openRequest({ reason: 'r'.repeat(500) }) })),
        askCells: keys.map((key) => ({ askId: 'ask-200', ...key, outcome: 'open' as const, note: 'queued', at: now })),
        changes: keys.map(() => change('queued')),
      },
      result: keys.length,
    }));
    assert.equal(opened, 200);
    assert.equal((await store.openCells()).length, 200);
    assert.equal((await store.history.pendingRows(9))[0]?.changes.length, 200);
  });

  it('looks at a cell, at an ask that is not there, and at an empty queue for one read each', async () => {
    for (const look of [() => store.cell(raw15), () => store.ask('new'), () => store.queued(now, 16), () => store.waitersOn(raw15), () => store.unsent(100)]) {
      used = { reads: 0, writes: 0, deletes: 0 };
      await look();
      assert.deepEqual(used, { reads: 1, writes: 0, deletes: 0 });
    }
  });

  it('lets a decision that changes nothing cost its reads only', async () => {
    await store.transact({ cells: [raw15], slots: ['Raw'], controls: true }, () => ({ writes: {}, result: null }));
    assert.deepEqual(used, { reads: 3, writes: 0, deletes: 0 });
  });
});
