import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { dayOf } from '../../shared/calendar/day.ts';
import { SqliteDatabase } from '../../shared/embedded/sqlite-database.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { SqliteRunHistory } from '../../shared/embedded/sqlite-run-history.ts';
import { StateFolderError } from '../../shared/embedded/state-folder-error.ts';
import { RetrySoonError } from '../../shared/failures/errors.ts';
import { askOf, cellWith, rankedProcessors } from '../contract/request-records.ts';
import { requestStoreContract, type StoreUnderTest } from '../contract/request-store.ts';

const rankOf = (processor: string): number => rankedProcessors.findIndex((name) => name === processor);

function openedIn(folder: string): StoreUnderTest {
  const path = join(folder, 'state.sqlite');
  const database = SqliteDatabase.open(path);
  const store = new SqliteRequestStore(database, { rankOf });
  return {
    store,
    history: new SqliteRunHistory(database),
    async reopen() {
      await store.close();
      return openedIn(folder);
    },
    async crash() {
      // What a killed process leaves: the files as they are, the write-ahead log among them.
      const left = mkdtempSync(join(tmpdir(), 'sbf-store-'));
      for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, join(left, `state.sqlite${suffix}`));
      await store.close();
      rmSync(folder, { recursive: true });
      return openedIn(left);
    },
    async dispose() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

requestStoreContract('SQLite', async () => openedIn(mkdtempSync(join(tmpdir(), 'sbf-store-'))));

describe('SqliteRequestStore', () => {
  const nov15 = dayOf('2023-11-15');
  const cell = cellWith({ processor: 'Raw', day: nov15 }, {});
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sbf-store-'));
    path = join(folder, 'state.sqlite');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const opened = (): SqliteRequestStore => new SqliteRequestStore(SqliteDatabase.open(path), { rankOf });
  async function altered(sql: string): Promise<void> {
    const store = opened();
    await store.transact({}, () => ({ writes: { cells: [cell], leases: [{ name: 'plan-7', owner: 'w', until: 1, again: false, detail: '' }] }, result: null }));
    await store.close();
    const other = new DatabaseSync(path);
    other.exec(sql);
    other.close();
  }

  for (const [what, sql, pattern] of [
    ['no JSON', "UPDATE cells SET record = '{oops'", /cell Raw 2023-11-15 .*no JSON.*restore/s],
    ['an unknown state', `UPDATE cells SET record = json_set(record, '$.request.state', 'asleep')`, /cell Raw 2023-11-15 .*request\.state.*restore/s],
    ['another cell', `UPDATE cells SET record = json_set(record, '$.processor', 'Summary')`, /cell Raw 2023-11-15 .*Summary/s],
    ['no text', 'UPDATE cells SET record = 7', /cell Raw 2023-11-15 .*expected object.*restore/s],
    ['no date', "UPDATE cells SET day = 'soon'", /cell Raw soon .*restore/s],
    ['a broken lease', "UPDATE leases SET record = '[]'", /lease plan-7/],
  ] as const) {
    it(`names a damaged row: ${what}`, async () => {
      await altered(sql);
      assert.throws(opened, (error) => error instanceof StateFolderError && error.problem === 'damaged' && pattern.test(error.message));
    });
  }

  it('leaves memory as it was when the commit fails, and goes on afterwards', async () => {
    const store = opened();
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const claim = () => store.transact({}, () => ({ writes: { cells: [cell], outbox: [{ id: 'm', topic: 't', body: '{}' }] }, result: null }));
    await assert.rejects(claim(), (error) => error instanceof RetrySoonError && /another program/.test(error.message));
    assert.deepEqual([await store.openCells(), await store.unsent(9), await store.queued(0, 9)], [[], [], []]);
    other.exec('ROLLBACK');
    other.close();
    await claim();
    assert.deepEqual([await store.openCells(), (await store.unsent(9)).length], [[cell], 1]);
    await store.close();
  });

  it('still answers what a command is looked up with where the disk is full, while something deferred waits for room', async () => {
    const database = SqliteDatabase.open(path);
    const store = new SqliteRequestStore(database, { rankOf });
    const games = { season: '2023-24', games: [] };
    await store.transact({}, () => ({ writes: { asks: [askOf('ask-1')], remembered: [games], traces: [{ runId: 'before', trace: '[]' }] }, result: null }), 'with_next');
    database.prepare('PRAGMA max_page_count = 60').get();
    await store.transact({}, () => ({ writes: { cells: [cell], traces: [{ runId: 'r', trace: 'x'.repeat(1_000_000) }] }, result: null }), 'with_next');
    assert.deepEqual([await store.openCells(), await store.asks(9), await store.remembered(), await store.trace('before')], [[cell], [askOf('ask-1')], [games], '[]']);
    await assert.rejects(store.trace('r'), (error) => error instanceof StateFolderError && error.problem === 'disk_full');
    database.prepare('PRAGMA max_page_count = 6000').get();
    assert.equal((await store.trace('r'))?.length, 1_000_000);
    await store.close();
  });

  it('refuses a transaction inside a decision', async () => {
    const store = opened();
    let inner: Promise<unknown> = Promise.resolve();
    await store.transact({}, () => {
      inner = store.transact({}, () => ({ writes: {}, result: null }));
      inner.catch(() => undefined);
      return { writes: {}, result: null };
    });
    await assert.rejects(inner, /inside a decision/);
    await store.close();
  });

  it('sends a message twice rather than never when it dies between sending and the mark', async () => {
    let subject = openedIn(folder);
    await subject.store.transact({}, () => ({ writes: { outbox: [{ id: 'm', topic: 't', body: '{}' }] }, result: null }));
    await subject.store.markSent(['m']);
    subject = await subject.crash();
    assert.equal((await subject.store.unsent(9)).length, 1);
    await subject.store.markSent(['m']);
    await subject.store.transact({}, () => ({ writes: { cells: [cell] }, result: null }));
    subject = await subject.crash();
    assert.deepEqual(await subject.store.unsent(9), [], 'the next commit took the mark along');
    await subject.dispose();
  });
});
