import assert from 'node:assert/strict';
import { Query, type Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import { NeverRetryError } from '../../shared/failures/errors.ts';
import { compositeIndexes, fieldIndexes, timeToLive, unindexedCollections } from '../../shared/google/firestore-indexes.ts';
import { collectionNames, DAYS_A_BLOCK } from '../../shared/google/firestore-paths.ts';
import { FirestoreRequestStore } from '../../shared/google/firestore-request-store.ts';
import type { Writes } from '../../shared/ports/request-store.ts';
import { changeRow, historyRow } from '../contract/history-rows.ts';
import { askOf, cascade, cellWith, everything, nov15, nov16, now, rankedProcessors, raw15, summary15 } from '../contract/request-records.ts';
import { describeWithFirestore, emulatedFirestore, freshRoot } from './emulated.ts';

describeWithFirestore('Firestore documents', () => {
  let client: Firestore;
  let root: string;
  let store: FirestoreRequestStore;
  let restore: () => unknown;
  let used: { reads: number; writes: number; deletes: number };
  const rankOf = (processor: string): number => rankedProcessors.findIndex((name) => name === processor);
  const open = (): FirestoreRequestStore => new FirestoreRequestStore(client, {
    rankOf, root, realNow: () => Date.UTC(2026, 0, 1),
    onUsage: ({ reads, writes, deletes }) => { used = { reads: used.reads + reads, writes: used.writes + writes, deletes: used.deletes + deletes }; },
  });
  const write = (writes: Writes): Promise<null> => store.transact({}, () => ({ writes, result: null }));
  const at = (path: string) => client.doc(`${root}/${path}`);
  beforeEach(() => {
    client = emulatedFirestore();
    root = freshRoot();
    restore = () => undefined;
    store = open();
    used = { reads: 0, writes: 0, deletes: 0 };
  });
  afterEach(async () => {
    restore();
    await client.terminate();
  });

  describe('a season of records', () => {
    it('is read in a few documents', async () => {
      const from = dayOf('2023-10-24');
      const records = rankedProcessors.flatMap((processor) => Array.from({ length: 180 }, (_, index) => cellWith({ processor, day: addDays(from, index) }, null)));
      for (let start = 0; start < records.length; start += 180) await write({ cells: records.slice(start, start + 180) });
      used.reads = 0;
      const found = await store.cells(from, addDays(from, 179));
      assert.equal(found.length, 540);
      assert.deepEqual(found.slice(0, 4).map(({ processor, day }) => `${processor} ${day - from}`), ['Raw 0', 'Summary 0', 'Analysis 0', 'Raw 1']);
      // Three processors, at most three blocks each, and the query of the open cells.
      assert.ok(used.reads <= 10, `${used.reads} reads`);
    });
    it('has the open cells as they are now, not as they were when they were closed', async () => {
      await write({ cells: [cellWith(raw15, null), cellWith(summary15, null)] });
      await write({ cells: [cellWith(raw15, { reason: 'again' })] });
      assert.deepEqual((await store.cells(nov15, nov15)).map(({ request }) => request?.reason), ['again', undefined]);
      await write({ cells: [{ ...cellWith(raw15, null), generation: 2 }] });
      assert.deepEqual((await store.cells(nov15, nov15)).map(({ generation }) => generation), [2, 1]);
    });
    it('has both sides of a border between blocks, and nothing outside the range', async () => {
      const border = addDays(nov15, DAYS_A_BLOCK - (nov15 % DAYS_A_BLOCK));
      const days = [-2, -1, 0, 1].map((offset) => addDays(border, offset));
      await write({ cells: days.map((day) => cellWith({ processor: 'Raw', day }, null)) });
      assert.deepEqual((await store.cells(days[1]!, days[2]!)).map(({ day }) => day), [days[1], days[2]]);
    });
    it('has records that are too long for a block, exactly as they were written', async () => {
      const long = { ...cellWith(raw15, null), suspect: '🏀'.repeat(50_000) };
      await write({ cells: [long, cellWith(summary15, null)] });
      assert.deepEqual(await store.cells(nov15, nov15), [long, cellWith(summary15, null)]);
      await write({ cells: [cellWith(raw15, null)] });
      assert.deepEqual(await store.cells(nov15, nov15), [cellWith(raw15, null), cellWith(summary15, null)]);
    });
    it('stays below the size of a document with 128 records of the longest kind', async () => {
      const first = addDays(nov15, DAYS_A_BLOCK - (nov15 % DAYS_A_BLOCK));
      const records = Array.from({ length: DAYS_A_BLOCK }, (_, index) => ({ ...cellWith({ processor: 'Raw', day: addDays(first, index) }, null), suspect: 'x'.repeat(6700) }));
      await write({ cells: records });
      used.reads = 0;
      assert.deepEqual(await store.cells(first, addDays(first, DAYS_A_BLOCK)), records);
      assert.equal(used.reads, 2, 'one block, and the query of the open cells');
    });
    it('has processors that the definition no longer knows', async () => {
      await write({ cells: [cellWith({ processor: 'Gone/For ever', day: nov15 }, null)] });
      assert.deepEqual((await store.cells(nov15, nov15)).map(({ processor }) => processor), ['Gone/For ever']);
    });
  });

  it('refuses a record that no document can hold, naming the cell', async () => {
    const huge = { ...cellWith(raw15, null), suspect: 'x'.repeat(1_000_000) };
    await assert.rejects(write({ cells: [huge] }), (error) => error instanceof NeverRetryError && /record of cell Raw 2023-11-15 has 1000\d+ bytes/.test(error.message));
    assert.deepEqual(await store.cells(nov15, nov15), []);
  });

  it('keeps traces and remembered seasons that are larger than a document', async () => {
    const trace = `[${'"🏀",'.repeat(400_000)}0]`;
    const game = (key: number) => ({ key: `00223${key}`.padEnd(60, '0'), day: nov15, status: 3, narrow: null, removed: null });
    const games = Array.from({ length: 12_000 }, (_, index) => game(index));
    await write({ cells: [{ ...everything().cells![0]! }], traces: [{ runId: 'run-0', trace }] });
    await write({ remembered: [{ season: '2023-24', games }] });
    assert.equal(await store.trace('run-0'), trace);
    assert.deepEqual(await store.remembered(), [{ season: '2023-24', games }]);
    await write({ remembered: [{ season: '2023-24', games: games.slice(0, 3) }, { season: '2022-23', games: [] }] });
    assert.deepEqual((await store.remembered()).map(({ season, games: left }) => [season, left.length]), [['2022-23', 0], ['2023-24', 3]]);
  });

  it('takes any text as an id', async () => {
    const ids = ['a/b', '.', '..', '__x__', 'ü 🏀 %', 'x'.repeat(3000), '\ud800'];
    for (const id of ids) await write({ asks: [askOf(id)], askCells: [{ askId: id, ...raw15, outcome: 'open', note: id.toWellFormed(), at: now }] });
    for (const id of ids.slice(0, -1)) assert.deepEqual((await store.ask(id))?.ask.id, id);
    assert.equal((await store.asks(20)).length, ids.length);
    assert.equal((await store.ask('x'.repeat(3000)))?.cells.length, 1);
  });

  it('shows each of two stores what the other wrote', async () => {
    const other = open();
    await write(everything());
    assert.deepEqual(await other.cell(raw15), everything().cells?.[0]);
    await other.transact({ cells: [raw15] }, (snapshot) => ({ writes: { cells: [{ ...snapshot.cell(raw15), suspect: 'other' }] }, result: null }));
    assert.equal((await store.cell(raw15)).suspect, 'other');
    await other.markSent(['out-1']);
    assert.deepEqual(await store.unsent(9), []);
    assert.deepEqual((await store.history.pendingRows(9)).map(({ history, changes }) => [history.length, changes.length]), [[1, 1]]);
  });

  it('tells states in one database apart by their roots, and refuses a root that is no document', async () => {
    await write({ cells: [cellWith(raw15, {})] });
    root = freshRoot();
    assert.deepEqual(await open().openCells(), []);
    root = 'pipelines';
    assert.throws(open, /'pipelines' as the root.*pipelines\/nba/);
  });

  describe('a damaged document', () => {
    const id = 'Raw~2023-11-15';
    for (const [what, path, field, value, pattern, read] of [
      ['no JSON', `cells/${id}`, 'record', '{oops', /cells\/Raw~2023-11-15 .*no JSON.*received \{oops/, () => store.cell(raw15)],
      ['no record', `cells/${id}`, 'record', 7, /cells\/Raw~2023-11-15 .*received number/, () => store.cell(raw15)],
      ['another cell', `cells/${id}`, 'record', JSON.stringify(cellWith(summary15, null)), /cells\/Raw~2023-11-15 .*cell Summary 2023-11-15/, () => store.openCells()],
      ['an unknown state', `cells/${id}`, 'record', JSON.stringify(cellWith(raw15, {})).replace('"queued"', '"asleep"'), /request\.state/, () => store.transact({ cells: [raw15] }, (snapshot) => ({ writes: {}, result: snapshot.cell(raw15) }))],
      ['a queue without a time', `cells/${id}`, 'queuedAt', 'soon', /cells\/Raw~2023-11-15 .*queuedAt/, () => store.queued(now, 9)],
      ['a block without days', 'blocks/Summary~153', 'days', 'none', /blocks\/Summary~153 .*days/, () => store.cells(nov15, nov15)],
      ['slots', 'slots/Raw', 'record', '[]', /slots\/Raw/, () => store.slots()],
      ['controls', 'controls/pipeline', 'record', '{}', /controls\/pipeline .*paused/, () => store.controls()],
      ['messages', null, 'messages', '[{}]', /outbox\/b-.*0\.id/, () => store.unsent(9)],
      ['rows', null, 'rows', '{"history":[{}]}', /outbox\/b-.*history\.0\.run_id/, () => store.history.pendingRows(9)],
    ] as const) {
      it(`is named: ${what}`, async () => {
        await write({ ...everything(), cells: [cellWith(raw15, {}), cellWith(summary15, null)] });
        const target = path === null ? (await client.collection(`${root}/outbox`).get()).docs[0]!.ref : at(path);
        await target.update({ [field]: value });
        await assert.rejects(read(), (error) => error instanceof NeverRetryError && pattern.test(error.message) && /restore it/.test(error.detail));
      });
    }
  });

  describe('the outbox', () => {
    const message = (id: string) => ({ id, topic: 't', body: '{}' });
    const documents = async (): Promise<number> => (await client.collection(`${root}/outbox`).get()).size;

    it('is one document a commit, deleted when its messages are sent and its rows are written, in either order', async () => {
      for (const [first, second] of [['messages', 'rows'], ['rows', 'messages']]) {
        await write({ outbox: [message('m')], history: [historyRow({})], changes: [changeRow({})] });
        assert.equal(await documents(), 1);
        for (const done of [first, second]) {
          if (done === 'messages') await store.markSent(['m']);
          else await store.history.rowsWritten((await store.history.pendingRows(9)).map(({ id }) => id));
          assert.deepEqual([(await store.unsent(9)).length, (await store.history.pendingRows(9)).length], done === second ? [0, 0] : done === 'messages' ? [0, 1] : [1, 0]);
        }
        // In the second order the document stays behind, empty, for the TTL policy.
        const left = await client.collection(`${root}/outbox`).get();
        for (const document of left.docs) {
          assert.deepEqual([document.get('rows'), document.get('messages'), document.get('expireAt').toDate().getUTCFullYear()], [undefined, undefined, 2027]);
          await document.ref.delete();
        }
      }
    });
    it('deletes messages without rows, and rows without messages, unread', async () => {
      await write({ outbox: [message('m')] });
      await write({ history: [historyRow({})] });
      const ids = (await store.history.pendingRows(9)).map((rows) => rows.id);
      used = { reads: 0, writes: 0, deletes: 0 };
      await store.markSent(['m']);
      await store.history.rowsWritten(ids);
      assert.deepEqual(used, { reads: 0, writes: 0, deletes: 2 });
      assert.equal(await documents(), 0);
      await store.history.rowsWritten(ids);
      await store.markSent(['m']);
    });
    it('shows rows in the order of their commits, and again until they are written', async () => {
      for (const run_id of ['a', 'b', 'c']) await write({ history: [historyRow({ run_id })] });
      const [first] = await store.history.pendingRows(1);
      assert.equal(first?.history[0]?.run_id, 'a');
      await store.history.rowsWritten([first?.id ?? '']);
      assert.deepEqual((await open().history.pendingRows(9)).map(({ history }) => history[0]?.run_id), ['b', 'c']);
    });
    it('loses no message when two processes mark those of one commit at once', async () => {
      await write({ outbox: [message('a'), message('b'), message('c')] });
      const other = open();
      await Promise.all([store.unsent(9), other.unsent(9)]);
      await Promise.all([store.markSent(['a']), other.markSent(['b'])]);
      assert.deepEqual((await open().unsent(9)).map(({ id }) => id), ['c']);
      await Promise.all([store.markSent(['c']), other.markSent(['c'])]);
      // Each knew of a message that the other has sent: the next look cleans up.
      assert.deepEqual(await open().unsent(9), []);
      assert.equal(await documents(), 0);
    });
    it('splits what is too large for a document', async () => {
      const changes = Array.from({ length: 6 }, (_, index) => changeRow({ status: String(index), metadata: 'x'.repeat(200_000) }));
      await write({ changes });
      assert.equal(await documents(), 3);
      assert.deepEqual((await store.history.pendingRows(9)).flatMap((rows) => rows.changes), changes);
    });
  });

  it('lets asks, what became of their cells, and large traces expire', async () => {
    await write({ ...everything(), traces: [{ runId: 'elsewhere', trace: '[]' }] });
    for (const path of ['asks/ask-1', 'asks/ask-1/ask_cells/Raw~2023-11-15', 'traces/elsewhere~0']) {
      const expires = (await at(path).get()).get('expireAt').toDate();
      assert.equal(expires.toISOString().slice(0, 10), '2027-02-05', path);
      assert.ok(timeToLive.some(({ collectionGroup }) => collectionGroup === path.split('/').at(-2)), path);
    }
  });

  it('has an index for each of its queries, and no other', async () => {
    const options = z.object({
      collectionId: z.string(), filters: z.array(z.object({ field: z.object({ formattedName: z.string() }), op: z.string() })),
      fieldOrders: z.array(z.object({ field: z.object({ formattedName: z.string() }), direction: z.string() })),
    });
    const run: unknown = Reflect.get(Query.prototype, '_get');
    assert.ok(typeof run === 'function');
    const queries: unknown[] = [];
    const recorded = function recorded(this: unknown, ...args: unknown[]): unknown {
      queries.push(this);
      return Reflect.apply(run, this, args);
    };
    Reflect.set(Query.prototype, '_get', recorded);
    restore = () => Reflect.set(Query.prototype, '_get', run);
    await write(everything());
    await store.cells(nov15, nov16);
    await store.openCells();
    await store.queued(now, 5);
    await store.oldestQueued(now);
    await store.nextDue(now);
    await store.waitersOn(raw15);
    await store.slots();
    await store.asks(5);
    await store.ask('ask-1');
    await store.cascades(nov15, nov16);
    await store.leases();
    await store.remembered();
    await store.trace('run-1');
    await open().markSent(['out-1']);
    await store.unsent(5);
    await store.history.rowsWritten((await store.history.pendingRows(5)).map(({ id }) => id));
    const needed = new Set<string>();
    for (const query of queries) {
      assert.ok(query instanceof Query);
      const { collectionId, filters, fieldOrders } = options.parse(Reflect.get(query, '_queryOptions'));
      const ordered = fieldOrders.map(({ field, direction }) => `${field.formattedName} ${direction}`);
      const filtered = filters.map(({ field, op }) => `${field.formattedName} ${op === 'ARRAY_CONTAINS_ANY' ? 'CONTAINS' : 'ASCENDING'}`);
      const fields = [...new Set([...ordered, ...filtered])];
      assert.ok(unindexedCollections.includes(collectionId), collectionId);
      if (fields.length > 0) needed.add(`${collectionId}: ${fields.join(', ')}`);
    }
    const declared = [
      ...compositeIndexes.map(({ collectionGroup, fields }) => `${collectionGroup}: ${fields.map(({ fieldPath, order }) => `${fieldPath} ${order}`).join(', ')}`),
      ...fieldIndexes.map(({ collectionGroup, fieldPath, index }) => `${collectionGroup}: ${fieldPath} ${'order' in index ? index.order : index.arrayConfig}`),
    ];
    assert.deepEqual([...needed].sort(), declared.sort());
    assert.deepEqual([...unindexedCollections].sort(), Object.values(collectionNames).sort());
  });

  it('keeps a cascade and an ask where they are when they are written again', async () => {
    await write({ asks: [askOf('ask-1')], cascades: [cascade] });
    await write({ asks: [askOf('ask-2')] });
    await write({ asks: [{ ...askOf('ask-1'), refused: 'no' }], cascades: [{ ...cascade, state: 'released' }] });
    assert.deepEqual((await store.asks(9)).map(({ id, refused }) => [id, refused]), [['ask-2', null], ['ask-1', 'no']]);
    assert.deepEqual((await store.cascades(nov15, nov15)).map(({ state }) => state), ['released']);
  });
});
