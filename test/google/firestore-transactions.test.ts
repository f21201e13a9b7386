import assert from 'node:assert/strict';
import { Firestore } from '@google-cloud/firestore';
import sinon from 'sinon';
import { addDays } from '../../shared/calendar/day.ts';
import { NeverRetryError, RetryLaterError, RetrySoonError } from '../../shared/failures/errors.ts';
import { FirestoreRequestStore, type FirestoreRequestStoreOptions } from '../../shared/google/firestore-request-store.ts';
import type { FirestoreUsage } from '../../shared/google/firestore-transactions.ts';
import type { Writes } from '../../shared/ports/request-store.ts';
import type { CellKey } from '../../shared/requests/cell.ts';
import { cellWith, nov15, nov16, now, openRequest, raw15, summary15 } from '../contract/request-records.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';

const grpcError = (code: number, message: string): Error => Object.assign(new Error(message), { code, details: message });

describeWithFirestore('Firestore transactions', () => {
  let clients: Firestore[];
  let root: string;
  let used: { reads: number; writes: number; deletes: number };
  const count = ({ reads, writes, deletes }: FirestoreUsage): void => {
    used = { reads: used.reads + reads, writes: used.writes + writes, deletes: used.deletes + deletes };
  };
  const open = (options: Partial<FirestoreRequestStoreOptions> = {}): FirestoreRequestStore => {
    const client = emulatedFirestore();
    clients.push(client);
    return new FirestoreRequestStore(client, { rankOf: () => 0, root, onUsage: count, ...options });
  };
  const write = (store: FirestoreRequestStore, writes: Writes): Promise<null> => store.transact({}, () => ({ writes, result: null }));
  const claim = (store: FirestoreRequestStore, key: CellKey, owner: string, tries?: string[]): Promise<boolean> =>
    store.transact({ cells: [key], slots: [key.processor], controls: true }, (snapshot) => {
      tries?.push(owner);
      const cell = snapshot.cell(key);
      const slots = snapshot.slots(key.processor);
      if (snapshot.controls().paused || cell.request?.state !== 'queued') return { writes: {}, result: false };
      const token = slots.holders.length + 1;
      return {
        writes: {
          cells: [{ ...cell, request: openRequest({ state: 'processing', lease: { owner, token, until: now + 1, runId: `run-${owner}`, startedAt: now } }) }],
          slots: [{ ...slots, holders: [...slots.holders, { day: key.day, token, until: now + 1 }] }],
        },
        result: true,
      };
    });
  beforeEach(() => {
    clients = [];
    root = freshRoot();
    used = { reads: 0, writes: 0, deletes: 0 };
  });
  afterEach(async () => {
    sinon.restore();
    await Promise.all(clients.map((client) => client.terminate()));
  });

  it('gives one of fifty claims of a cell, from as many processes, its lease, and keeps none of the losers waiting (P1, P15)', async () => {
    const raw16 = { ...raw15, day: nov16 };
    const stores = Array.from({ length: 10 }, () => open());
    await write(stores[0]!, { cells: [cellWith(raw15, {}), cellWith(raw16, {})] });
    const alone = performance.now();
    assert.ok(await claim(stores[0]!, raw16, 'alone'));
    const started = performance.now();
    const patience = Math.max(2000, 50 * (started - alone));
    const won = await Promise.all(Array.from({ length: 50 }, (_, index) => claim(stores[index % 10]!, raw15, `w${index}`)));
    const took = performance.now() - started;
    assert.equal(won.filter(Boolean).length, 1);
    assert.equal((await stores[1]!.slots())[0]?.holders.length, 2);
    // The client's own transactions take 3.8 s for it; a busy machine is as slow with the one before.
    assert.ok(took < patience, `${took} ms of ${patience}`);
  });

  it('lets every one of many claims that share a slots document in', async () => {
    const stores = Array.from({ length: 4 }, () => open());
    const keys = Array.from({ length: 20 }, (_, index) => ({ processor: 'Raw', day: addDays(nov15, index) }));
    await write(stores[0]!, { cells: keys.map((key) => cellWith(key, {})) });
    const won = await Promise.all(keys.map((key, index) => claim(stores[index % 4]!, key, `w${index}`)));
    assert.equal(won.filter(Boolean).length, 20);
    assert.equal((await stores[0]!.slots())[0]?.holders.length, 20);
  });

  it('decides again when what it read has changed, and shows the change (P16)', async () => {
    const [store, other] = [open({ sleep: async () => undefined }), open()];
    await write(store, { cells: [cellWith(raw15, {})] });
    const tries: string[] = [];
    const reference = sinon.spy(Firestore.prototype, 'getAll');
    // The other one claims between this one's read and its commit.
    const commit = clients[0]!.runTransaction.bind(clients[0]);
    const between = sinon.stub(clients[0]!, 'runTransaction').callsFake(async (work, options) => {
      between.callThrough();
      return commit(async (transaction) => {
        const result = await work(transaction);
        await claim(other, raw15, 'other');
        return result;
      }, options);
    });
    assert.equal(await claim(store, raw15, 'this', tries), false);
    assert.deepEqual(tries, ['this', 'this']);
    assert.equal((await store.cell(raw15)).request?.lease?.owner, 'other');
    assert.ok(reference.called);
  });

  it('decides again when something that it read and did not write has changed', async () => {
    const [store, other] = [open({ sleep: async () => undefined }), open()];
    await write(store, { cells: [cellWith(raw15, {}), cellWith(summary15, null)] });
    const seen: string[] = [];
    const commit = clients[0]!.runTransaction.bind(clients[0]);
    const between = sinon.stub(clients[0]!, 'runTransaction').callsFake(async (work, options) => {
      between.callThrough();
      await write(other, { cells: [cellWith(raw15, { reason: 'changed' })] });
      return commit(work, options);
    });
    await store.transact({ cells: [raw15, summary15] }, (snapshot) => {
      seen.push(snapshot.cell(raw15).request?.reason ?? '');
      return { writes: { cells: [cellWith(summary15, { reason: `after ${seen.at(-1)}` })] }, result: null };
    });
    assert.deepEqual(seen, ['auto_backfill', 'changed']);
    assert.equal((await store.cell(summary15)).request?.reason, 'after changed');
  });

  it('decides again on what it wrote itself when the answer to its commit was lost', async () => {
    const store = open({ sleep: async () => undefined });
    await write(store, { cells: [cellWith(raw15, {})] });
    const batch = clients[0]!.batch.bind(clients[0]);
    const lost = sinon.stub(clients[0]!, 'batch').callsFake(() => {
      lost.callThrough();
      const real = batch();
      const commit = real.commit.bind(real);
      sinon.stub(real, 'commit').callsFake(async () => {
        await commit();
        throw grpcError(14, 'the connection was closed');
      });
      return real;
    });
    let tries = 0;
    const attempts = await store.transact({ cells: [raw15] }, (snapshot) => {
      tries += 1;
      const cell = snapshot.cell(raw15);
      const applied = cell.recentAsks.includes('ask-1');
      return { writes: applied ? {} : { cells: [{ ...cell, recentAsks: [...cell.recentAsks, 'ask-1'] }], outbox: [{ id: 'm', topic: 't', body: '{}' }] }, result: tries };
    });
    assert.equal(attempts, 2);
    assert.deepEqual((await store.cell(raw15)).recentAsks, ['ask-1']);
    assert.equal((await store.unsent(9)).length, 1);
  });

  it('leaves nothing behind when the commit fails, of any of its documents', async () => {
    const store = open({ attempts: 1 });
    await write(store, { cells: [cellWith(raw15, {})] });
    const failing = sinon.stub(clients[0]!, 'batch').callsFake(() => {
      failing.callThrough();
      const real = clients[0]!.batch();
      sinon.stub(real, 'commit').rejects(grpcError(14, 'killed'));
      return real;
    });
    const all: Writes = {
      cells: [cellWith(summary15, null)], slots: [{ processor: 'Raw', holders: [], slowUntil: 1 }], outbox: [{ id: 'm', topic: 't', body: '{}' }], traces: [{ runId: 'r', trace: '[]' }],
    };
    await assert.rejects(write(store, all), (error) => error instanceof RetrySoonError && /killed/.test(error.message));
    const other = open();
    assert.deepEqual([await other.cells(nov15, nov16), await other.slots(), await other.unsent(9), await other.trace('r')], [[cellWith(raw15, {})], [], [], null]);
    await write(store, all);
    assert.deepEqual([(await other.cells(nov15, nov16)).length, (await other.slots()).length, (await other.unsent(9)).length, await other.trace('r')], [2, 1, 1, '[]']);
  });

  it('gives up after its attempts when contention does not end, with growing pauses, as a RetrySoonError (P15)', async () => {
    const pauses: number[] = [];
    const store = open({ attempts: 4, random: () => 0.5, sleep: async (milliseconds) => { pauses.push(milliseconds); } });
    sinon.stub(clients[0]!, 'batch').callsFake(() => {
      const batch = new Firestore({ projectId: 'p' }).batch();
      sinon.stub(batch, 'commit').rejects(grpcError(10, 'Too much contention on these documents.'));
      return batch;
    });
    await assert.rejects(write(store, { cells: [cellWith(raw15, {})] }), (error) => error instanceof RetrySoonError && /4 attempts.*others changed/.test(error.message));
    assert.deepEqual(pauses, [10, 20, 40]);
  });

  for (const [code, message, expected, detail] of [
    [7, 'Missing or insufficient permissions.', NeverRetryError, /roles\/datastore\.user/],
    [8, 'Quota exceeded.', RetryLaterError, /quota/],
    [5, 'The database (default) does not exist', NeverRetryError, /terraform apply/],
  ] as const) {
    it(`says what to do about ${message}`, async () => {
      const store = open({ attempts: 3, sleep: async () => undefined });
      const getAll = sinon.stub(clients[0]!, 'getAll').rejects(grpcError(code, message));
      for (const action of [() => claim(store, raw15, 'w'), () => store.transact({ cells: [raw15] }, () => ({ writes: {}, result: 0 })), () => store.cell(raw15)]) {
        getAll.resetHistory();
        await assert.rejects(action(), (error) => error instanceof expected && error.message.includes(message) && /cell Raw 2023-11-15/.test(error.message) && detail.test(error.detail));
        assert.equal(getAll.callCount, 1, 'another attempt would not mend it');
      }
    });
  }

  it('tells its caller to come again when there is no answer, and does nothing behind its back', async () => {
    // At the end it has an answer of the emulator in this time.
    const store = open({ patienceMs: 1000, sleep: async () => undefined });
    const waiting = Promise.withResolvers<never>();
    const getAll = sinon.stub(clients[0]!, 'getAll').returns(waiting.promise);
    const decide = sinon.stub().returns({ writes: {}, result: null });
    const late = (error: unknown): boolean => error instanceof RetrySoonError && /cell Raw 2023-11-15: no answer within 1 s/.test(error.message);
    await Promise.all([
      assert.rejects(store.cell(raw15), late), assert.rejects(store.transact({ cells: [raw15] }, decide), late),
      // Behind it in the line: it does not wait twice as long.
      assert.rejects(store.transact({ cells: [raw15] }, decide), late),
    ]);
    getAll.callThrough();
    waiting.reject(grpcError(14, 'unavailable'));
    await new Promise((resolve) => { setImmediate(resolve); });
    assert.equal(decide.callCount, 0);
    assert.equal(await store.transact({ cells: [raw15] }, () => ({ writes: {}, result: 7 })), 7);
  });

  it('tries again what the service could not answer for a moment', async () => {
    const store = open({ sleep: async () => undefined });
    await write(store, { cells: [cellWith(raw15, {})] });
    const getAll = sinon.stub(clients[0]!, 'getAll').onFirstCall().rejects(grpcError(14, 'unavailable'));
    getAll.callThrough();
    assert.equal(await claim(store, raw15, 'w'), true);
  });

  it('keeps decisions of one process on one cell from each other\'s way', async () => {
    const store = open();
    await write(store, { cells: [cellWith(raw15, null)] });
    let tries = 0;
    used = { reads: 0, writes: 0, deletes: 0 };
    await Promise.all(Array.from({ length: 20 }, () => store.transact({ cells: [raw15] }, (snapshot) => {
      tries += 1;
      const cell = snapshot.cell(raw15);
      return { writes: { cells: [{ ...cell, generation: cell.generation + 1 }] }, result: null };
    })));
    assert.equal((await store.cell(raw15)).generation, 21);
    assert.equal(tries, 20);
    assert.deepEqual([used.reads, used.writes], [21, 40], 'the cell and its block, each time');
  });

  it('goes on after a decision that threw', async () => {
    const store = open();
    const bad = store.transact({ cells: [raw15] }, () => { throw new Error('decided badly'); });
    const good = store.transact({ cells: [raw15] }, () => ({ writes: {}, result: 7 }));
    await assert.rejects(bad, /decided badly/);
    assert.equal(await good, 7);
  });

  it('pauses at once while claims go on', async () => {
    const [store, other] = [open(), open()];
    const keys = Array.from({ length: 60 }, (_, index) => ({ processor: `P${index}`, day: nov15 }));
    await write(store, { cells: keys.map((key) => cellWith(key, {})) });
    const claims = Promise.all(keys.map((key) => claim(store, key, 'w')));
    const pause = other.transact({ controls: true }, (snapshot) => ({ writes: { controls: { ...snapshot.controls(), paused: { by: 'ana', reason: '', at: now } } }, result: null }));
    await Promise.all([claims, pause]);
    assert.equal(await claim(store, { processor: 'P0', day: nov16 }, 'w'), false);
    assert.equal((await other.controls()).paused?.by, 'ana');
  });

  it('releases a lease only while it is as it was read', async () => {
    const [store, other] = [open({ sleep: async () => undefined }), open()];
    const lease = (owner: string) => ({ name: 'plan', owner, until: 1, again: false, detail: '' });
    await write(store, { leases: [lease('old')] });
    const batch = clients[0]!.batch.bind(clients[0]);
    let taken = false;
    sinon.stub(clients[0]!, 'batch').callsFake(() => {
      const real = batch();
      const commit = real.commit.bind(real);
      sinon.stub(real, 'commit').callsFake(async () => {
        if (!taken) await write(other, { leases: [lease('new')] });
        taken = true;
        return commit();
      });
      return real;
    });
    await store.transact({ leases: ['plan'] }, (snapshot) => ({ writes: snapshot.lease('plan')?.owner === 'old' ? { releaseLeases: ['plan'] } : {}, result: null }));
    assert.equal((await store.leases())[0]?.owner, 'new');
  });
});
