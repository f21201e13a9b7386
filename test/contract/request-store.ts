import assert from 'node:assert/strict';
import { dayOf, type Day } from '../../shared/calendar/day.ts';
import type { RequestStore, Writes } from '../../shared/ports/request-store.ts';
import type { RunHistory } from '../../shared/ports/run-history.ts';
import { emptyRecord } from '../../shared/requests/cell.ts';
import { answerOf, cutShort } from '../../shared/staged/gate-answers.ts';
import { answered } from '../../shared/staged/transitions.ts';
import { changeRow, historyRow } from './history-rows.ts';
import { queueContract } from './request-queue.ts';
import { askOf, backfill, cascade, cellWith, everything, nov15, nov16, now, openRequest, raw15, summary15, untoldFailure } from './request-records.ts';

/** A store under test, with what is needed to open the same state again. */
export interface StoreUnderTest {
  readonly store: RequestStore;
  readonly history: RunHistory;
  /** Closes it and opens the same state. */
  reopen(): Promise<StoreUnderTest>;
  /** Opens the same state although nothing was closed: the process was killed. */
  crash(): Promise<StoreUnderTest>;
  dispose(): Promise<void>;
}

async function allOf({ store, history }: StoreUnderTest): Promise<unknown> {
  return {
    cells: await store.cells(nov15, nov16), cell: await store.cell(raw15), open: await store.openCells(), slots: await store.slots(), asks: await store.asks(10),
    ask: await store.ask('ask-1'), cascades: await store.cascades(nov15, nov16), leases: await store.leases(), backfills: await store.backfills(), backfill: await store.backfill(backfill.id), controls: await store.controls(),
    outbox: await store.unsent(10), runs: await history.runs({ limit: 10 }), changes: await history.changes({ limit: 10 }), trace: await store.trace('run-1'),
    remembered: await store.remembered(), untold: await store.untold(10),
  };
}

const names = (cells: readonly { readonly processor: string; readonly day: Day }[]): string[] => cells.map(({ processor, day }) => `${processor} ${day - nov15}`);

/** What every `RequestStore` promises. Adapters that can't run a case wrap it by name, with the reason. */
export function requestStoreContract(name: string, factory: () => Promise<StoreUnderTest>): void {
  describe(`RequestStore: ${name}`, () => {
    let subject: StoreUnderTest;
    const write = (writes: Writes): Promise<null> => subject.store.transact({}, () => ({ writes, result: null }));
    beforeEach(async () => {
      subject = await factory();
    });
    afterEach(() => subject.dispose());

    describe('a transaction', () => {
      it('hands back the result and shows what was written', async () => {
        const result = await subject.store.transact({ cells: [raw15] }, (snapshot) => {
          assert.deepEqual(snapshot.cell(raw15), emptyRecord(raw15));
          return { writes: everything(), result: 42 };
        });
        assert.equal(result, 42);
        assert.deepEqual(await subject.store.cell(raw15), everything().cells?.[0]);
        assert.deepEqual(await subject.store.ask('ask-1'), { ask: askOf('ask-1'), cells: everything().askCells });
        assert.deepEqual(await subject.store.cascades(nov15, nov15), [cascade]);
        assert.deepEqual(await subject.store.controls(), everything().controls);
        assert.deepEqual(await subject.store.backfills(), [backfill]);
        assert.deepEqual(await subject.store.backfill(backfill.id), backfill);
        assert.equal(await subject.store.trace('run-1'), '[["Schedule","2023-11-15","f1"]]');
        assert.deepEqual(await subject.store.remembered(), everything().remembered);
      });
      it('writes nothing when the decision throws', async () => {
        const before = await allOf(subject);
        await assert.rejects(subject.store.transact({ cells: [raw15] }, () => { throw new Error('decided badly'); }), /decided badly/);
        assert.deepEqual(await allOf(subject), before);
        subject = await subject.reopen();
        assert.deepEqual(await allOf(subject), before);
      });
      it('writes nothing when one of its writes cannot be kept', async () => {
        const before = await allOf(subject);
        const unkeepable = { key: '1', day: nov15, status: 3, narrow: null, removed: null, toJSON: () => { throw new Error('no JSON'); } };
        await assert.rejects(write({ ...everything(), remembered: [{ season: 'x', games: [unkeepable] }] }), /no JSON/);
        assert.deepEqual(await allOf(subject), before);
        await write(everything());
        assert.notDeepEqual(await allOf(subject), before);
      });
      it('lets one of two claims of a cell win, because the second sees the first', async () => {
        await write({ cells: [cellWith(raw15, {})] });
        const claim = (owner: string): Promise<boolean> => subject.store.transact({ cells: [raw15], slots: ['Raw'] }, (snapshot) => {
          const cell = snapshot.cell(raw15);
          if (cell.request?.state !== 'queued') return { writes: {}, result: false };
          const token = snapshot.slots('Raw').holders.length + 1;
          const lease = { owner, token, until: now + 1, runId: `run-${owner}`, startedAt: now };
          return {
            result: true,
            writes: {
              cells: [{ ...cell, request: openRequest({ state: 'processing', lease }) }],
              slots: [{ processor: 'Raw', holders: [...snapshot.slots('Raw').holders, { day: nov15, token, until: now + 1 }], slowUntil: null }],
            },
          };
        });
        const won = await Promise.all([claim('a'), claim('b'), claim('c')]);
        assert.equal(won.filter(Boolean).length, 1);
        assert.equal((await subject.store.slots())[0]?.holders.length, 1);
      });
      it('gives a cell that has no record its empty one, and no record to what only was read', async () => {
        assert.deepEqual(await subject.store.cell(raw15), emptyRecord(raw15));
        await subject.store.transact({ cells: [raw15] }, () => ({ writes: {}, result: null }));
        assert.deepEqual(await subject.store.cells(nov15, nov16), []);
      });
      it('refuses to read what it did not name', async () => {
        await assert.rejects(subject.store.transact({ cells: [raw15] }, (snapshot) => ({ writes: {}, result: snapshot.cell(summary15) })), /Summary/);
        await assert.rejects(subject.store.transact({}, (snapshot) => ({ writes: {}, result: snapshot.controls() })), /controls/);
        await assert.rejects(subject.store.transact({ slots: ['Summary'] }, (snapshot) => ({ writes: {}, result: snapshot.slots('Raw') })), /Raw/);
        await assert.rejects(subject.store.transact({}, (snapshot) => ({ writes: {}, result: snapshot.lease('plan') })), /plan/);
        await assert.rejects(subject.store.transact({}, (snapshot) => ({ writes: {}, result: snapshot.ask('ask-7') })), /ask-7/);
        await assert.rejects(subject.store.transact({}, (snapshot) => ({ writes: {}, result: snapshot.backfill('whole-7') })), /whole-7/);
        await assert.rejects(subject.store.transact({}, (snapshot) => ({ writes: {}, result: snapshot.cascade(cascade) })), /phase_2_raw/);
      });
      it('reads many named records', async () => {
        const keys = Array.from({ length: 40 }, (_, index) => ({ processor: 'Raw', day: dayOf(`2023-${index < 20 ? '10' : '11'}-${String((index % 20) + 1).padStart(2, '0')}`) }));
        await write({ cells: keys.map((key) => cellWith(key, null)) });
        const generations = await subject.store.transact({ cells: keys }, (snapshot) => ({ writes: {}, result: keys.map((key) => snapshot.cell(key).generation) }));
        assert.deepEqual(generations, keys.map(() => 1));
      });
    });

    describe('staged backfills', () => {
      const pausedBy = (by: string): Promise<string> => subject.store.transact({ backfills: [backfill.id] }, (snapshot) => {
        const found = snapshot.backfill(backfill.id);
        if (found?.state !== 'running') return { writes: {}, result: found?.note ?? 'none' };
        return { writes: { backfills: [{ ...found, state: 'paused', note: by }] }, result: 'paused' };
      });
      it('are read as they were written, by one decision after the other', async () => {
        assert.equal(await pausedBy('a'), 'none');
        assert.equal(await subject.store.backfill(backfill.id), null);
        await write({ backfills: [backfill] });
        assert.equal((await Promise.all([pausedBy('a'), pausedBy('b'), pausedBy('c')])).filter((result) => result === 'paused').length, 1);
        subject = await subject.reopen();
        assert.equal((await subject.store.backfill(backfill.id))?.state, 'paused');
      });
      it('keep what the checks of a gate have answered so far', async () => {
        const offended = { kind: 'offended', rows: 2, sample: [{ team: 'BOS', pace: 99.5, is_home: true, spread: null }] } as const;
        const looked = [answerOf('checks/a.sql', 'r1', now, { kind: 'passed' }), answerOf('checks/b.sql', 'r2', now, offended), cutShort(undefined, 'checks/c.sql', 'r3', now)].reduce(answered, backfill);
        await write({ backfills: [looked] });
        subject = await subject.reopen();
        assert.deepEqual(await subject.store.backfill(backfill.id), looked);
      });
      it('are listed, the newest first', async () => {
        await write({ backfills: [{ ...backfill, id: 'a', createdAt: 1 }, { ...backfill, id: 'b', createdAt: 3 }, { ...backfill, id: 'c/d 2023-24', createdAt: 2 }] });
        assert.deepEqual((await subject.store.backfills()).map(({ id }) => id), ['b', 'c/d 2023-24', 'a']);
      });
    });

    queueContract(() => subject);

    describe('asks, cascades, leases', () => {
      it('lists the newest asks first and keeps the last outcome of each cell', async () => {
        await write({ asks: [askOf('ask-1')], askCells: [{ askId: 'ask-1', ...raw15, outcome: 'open', note: '', at: now }] });
        await write({ asks: [askOf('ask-2')], askCells: [{ askId: 'ask-1', ...raw15, outcome: 'ran', note: 'run-1', at: now + 1 }] });
        assert.deepEqual((await subject.store.asks(10)).map(({ id }) => id), ['ask-2', 'ask-1']);
        assert.deepEqual((await subject.store.asks(1)).map(({ id }) => id), ['ask-2']);
        assert.deepEqual((await subject.store.ask('ask-1'))?.cells, [{ askId: 'ask-1', ...raw15, outcome: 'ran', note: 'run-1', at: now + 1 }]);
        assert.equal(await subject.store.ask('ask-9'), null);
        assert.equal(await subject.store.transact({ asks: ['ask-2'] }, (snapshot) => ({ writes: {}, result: snapshot.ask('ask-2')?.by })), 'ana');
      });
      it('reads cascades of a range', async () => {
        await write({ cascades: [cascade, { ...cascade, day: nov16 }] });
        assert.equal((await subject.store.cascades(nov16, nov16)).length, 1);
        assert.equal((await subject.store.cascades(nov15, nov16)).length, 2);
      });
      it('gives a lease to one of two that want it, and again once it is released', async () => {
        const take = (owner: string): Promise<boolean> => subject.store.transact({ leases: ['detector'] }, (snapshot) => {
          const held = snapshot.lease('detector');
          if (held) return { writes: { leases: [{ ...held, again: true }] }, result: false };
          return { writes: { leases: [{ name: 'detector', owner, until: now + 1, again: false, detail: '' }] }, result: true };
        });
        assert.deepEqual(await Promise.all([take('a'), take('b')]).then((won) => won.filter(Boolean).length), 1);
        assert.equal((await subject.store.leases())[0]?.again, true);
        await write({ releaseLeases: ['detector'] });
        assert.deepEqual(await subject.store.leases(), []);
        assert.equal(await take('c'), true);
      });
    });

    describe('failures that nobody was told of', () => {
      const ids = async (limit = 10): Promise<string[]> => (await subject.store.untold(limit)).map(({ id }) => id).sort();

      it('are kept, each once, until a digest takes them', async () => {
        await write({ untold: [untoldFailure('a/1'), untoldFailure('b', { backfillId: 'whole-1', message: 'x “y” 🏀' })] });
        await write({ untold: [untoldFailure('a/1')] });
        assert.deepEqual(await ids(), ['a/1', 'b']);
        assert.equal((await ids(1)).length, 1);
        await write({ told: ['a/1', 'unknown'] });
        assert.deepEqual(await subject.store.untold(10), [untoldFailure('b', { backfillId: 'whole-1', message: 'x “y” 🏀' })]);
        subject = await subject.reopen();
        assert.deepEqual(await ids(), ['b']);
      });

      it('are written by many at once, and leave the state many at a time', async () => {
        const names = Array.from({ length: 450 }, (_, index) => `cell ${index}`);
        await Promise.all([0, 1, 2].map((part) => write({ untold: names.slice(part * 150, part * 150 + 150).map((id) => untoldFailure(id)) })));
        assert.deepEqual((await ids(1000)).length, 450);
        await write({ told: names.slice(0, 400) });
        assert.deepEqual((await ids(1000)).length, 50);
      });
    });

    describe('the outbox', () => {
      it('keeps messages in order until they are marked', async () => {
        const message = (id: string) => ({ id, topic: 't', body: `"${id}"` });
        await write({ outbox: [message('z'), message('a')] });
        await write({ outbox: [message('m'), message('a')] });
        assert.deepEqual((await subject.store.unsent(10)).map(({ id }) => id), ['z', 'a', 'm']);
        assert.deepEqual((await subject.store.unsent(1)).map(({ id }) => id), ['z']);
        await subject.store.markSent(['z', 'm', 'unknown']);
        assert.deepEqual(await subject.store.unsent(10), [message('a')]);
        subject = await subject.reopen();
        assert.deepEqual(await subject.store.unsent(10), [message('a')]);
      });
    });

    describe('run history', () => {
      it('gives the newest first, by processor and dates', async () => {
        await write({ history: [historyRow({ run_id: 'r1', data_date: '2023-11-14' }), historyRow({ run_id: 'r2' })], changes: [changeRow({ status: 'queued' })] });
        await write({ history: [historyRow({ run_id: 'r3', processor_name: 'Summary' })], changes: [changeRow({ status: 'completed' })] });
        const runs = async (filter: object): Promise<string[]> => (await subject.history.runs({ limit: 10, ...filter })).map(({ run_id }) => run_id);
        assert.deepEqual(await runs({}), ['r3', 'r2', 'r1']);
        assert.deepEqual(await runs({ limit: 1 }), ['r3']);
        assert.deepEqual(await runs({ processor: 'Raw' }), ['r2', 'r1']);
        assert.deepEqual(await runs({ from: '2023-11-15' }), ['r3', 'r2']);
        assert.deepEqual(await runs({ processor: 'Raw', to: '2023-11-14' }), ['r1']);
        assert.deepEqual((await subject.history.changes({ limit: 10, from: '2023-11-15', to: '2023-11-15' })).map(({ status }) => status), ['completed', 'queued']);
        assert.deepEqual((await subject.history.runs({ processor: 'Summary', limit: 1 }))[0], historyRow({ run_id: 'r3', processor_name: 'Summary' }));
      });
    });

    describe('opened again', () => {
      it('gives the same after a close', async () => {
        await write(everything());
        const before = await allOf(subject);
        subject = await subject.reopen();
        assert.deepEqual(await allOf(subject), before);
      });
      it('gives what was enough with the next one, at once and after a close', async () => {
        const { asks, ...others } = everything();
        await write({ asks });
        await subject.store.transact({}, () => ({ writes: others, result: null }), 'with_next');
        const before = await allOf(subject);
        assert.deepEqual(names(await subject.store.cells(nov15, nov16)).length, others.cells?.length);
        subject = await subject.reopen();
        assert.deepEqual(await allOf(subject), before);
      });
      it('has after a crash what was enough with the next one, if that came', async () => {
        await subject.store.transact({}, () => ({ writes: { cells: [cellWith(raw15, {})], changes: [changeRow({ status: 'queued' })] }, result: null }), 'with_next');
        await write({ cells: [cellWith(summary15, {})] });
        const before = await allOf(subject);
        subject = await subject.crash();
        assert.deepEqual(await allOf(subject), before);
      });
      it('has all of it or nothing after a crash before the next one, and nothing is lost that was durable', async () => {
        await write({ cells: [cellWith(summary15, {})] });
        await subject.store.transact({}, () => ({ writes: { cells: [cellWith(raw15, {})], changes: [changeRow({ status: 'queued' })] }, result: null }), 'with_next');
        subject = await subject.crash();
        const cells = names(await subject.store.cells(nov15, nov16));
        const changes = await subject.history.changes({ limit: 10 });
        assert.deepEqual([cells, changes.length], changes.length === 0 ? [['Summary 0'], 0] : [['Raw 0', 'Summary 0'], 1]);
      });
      it('gives the same after a crash', async () => {
        await write(everything());
        await write({ cells: [cellWith(summary15, { state: 'waiting', waitingFor: raw15 })] });
        const before = await allOf(subject);
        subject = await subject.crash();
        assert.deepEqual(await allOf(subject), before);
        assert.deepEqual(await subject.store.waitersOn(raw15), [summary15]);
      });
    });
  });
}
