import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import sinon from 'sinon';
import { addDays, dayOf } from '../../shared/calendar/day.ts';
import { SqliteDatabase, sqliteFault } from '../../shared/embedded/sqlite-database.ts';
import { SqliteRequestStore } from '../../shared/embedded/sqlite-request-store.ts';
import { StateFolderError, type StateFolderProblem } from '../../shared/embedded/state-folder-error.ts';
import { cellWith } from '../contract/request-records.ts';

function isFault(problem: StateFolderProblem, pattern: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof StateFolderError, String(error));
    assert.equal(error.problem, problem);
    assert.match(error.message, pattern);
    return true;
  };
}

describe('SqliteDatabase', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sbf-db-'));
    path = join(folder, 'state.sqlite');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const filled = async (cells: number): Promise<void> => {
    const store = new SqliteRequestStore(SqliteDatabase.open(path), { rankOf: () => 0 });
    const records = Array.from({ length: cells }, (_, index) => cellWith({ processor: 'Raw', day: addDays(dayOf('2020-01-01'), index) }, {}));
    await store.transact({}, () => ({ writes: { cells: records }, result: null }));
    await store.close();
  };
  const open = (): SqliteRequestStore => new SqliteRequestStore(SqliteDatabase.open(path), { rankOf: () => 0 });

  it('writes durably: write-ahead log, synchronous FULL', () => {
    const database = SqliteDatabase.open(path);
    assert.deepEqual({ ...database.prepare('PRAGMA journal_mode').get() }, { journal_mode: 'wal' });
    assert.deepEqual({ ...database.prepare('PRAGMA synchronous').get() }, { synchronous: 2 });
    database.close();
    database.close();
  });
  it('prepares a statement once', () => {
    const database = SqliteDatabase.open(path);
    assert.equal(database.prepare('SELECT 1'), database.prepare('SELECT 1'));
    database.close();
  });
  it('refuses state of another version and leaves it as it is', async () => {
    await filled(1);
    const other = new DatabaseSync(path);
    other.exec('PRAGMA user_version = 99');
    other.close();
    assert.throws(open, isFault('other_version', /version 99.*reads version 3.*--state/s));
  });
  for (const [version, tables] of [[1, ['backfills', 'untold_failures']], [2, ['untold_failures']]] as const) it(`takes up state of version ${version}, without ${tables.join(' and ')}, and keeps what is in it`, async () => {
    await filled(1);
    const before = new DatabaseSync(path);
    before.exec(`${tables.map((table) => `DROP TABLE ${table};`).join(' ')} PRAGMA user_version = ${version}`);
    const cells = before.prepare('SELECT count(*) AS n FROM cells').get();
    before.close();
    const database = SqliteDatabase.open(path);
    for (const table of tables) assert.deepEqual(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'], 0);
    assert.deepEqual(database.prepare('SELECT count(*) AS n FROM cells').get(), cells);
    assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], 3);
    database.close();
  });
  it("refuses another program's database", () => {
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE t (a)');
    other.close();
    assert.throws(open, isFault('other_version', /another program/));
  });
  it('refuses a file that is no database', () => {
    writeFileSync(path, 'this is no database, it is a text of some length, more than a header has');
    assert.throws(open, isFault('damaged', /state\.sqlite.*damaged.*restore/s));
  });
  it('says that a truncated or overwritten database is damaged', async () => {
    await filled(2000);
    const size = statSync(path).size;
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(size - 16_384, 0x5a), 0, size - 16_384, 16_384);
    closeSync(file);
    assert.throws(open, isFault('damaged', /damaged.*restore/s));
    truncateSync(path, 16_384);
    assert.throws(open, isFault('damaged', /damaged.*restore/s));
  });
  it('refuses a folder in place of the file', () => {
    mkdirSync(path);
    assert.throws(open, isFault('not_writable', /can not be opened/));
  });
  it('says what to do about a file that can only be read', function () {
    const fault = sqliteFault(path, Object.assign(new Error('attempt to write a readonly database'), { errcode: 8 }));
    assert.ok(isFault('not_writable', /can be read but not written.*permission/s)(fault));
  });
  it('says that the disk is full, writes nothing, and goes on when there is room', async () => {
    const database = SqliteDatabase.open(path);
    const store = new SqliteRequestStore(database, { rankOf: () => 0 });
    database.prepare('PRAGMA max_page_count = 60').get();
    const write = (season: string, length: number) => store.transact({}, () => ({
      writes: { traces: [{ runId: season, trace: 'x'.repeat(length) }], cells: [cellWith({ processor: 'Raw', day: dayOf('2020-01-01') }, {})] }, result: null,
    }));
    await assert.rejects(write('a', 1_000_000), isFault('disk_full', /disk is full.*nothing of this change.*free some space/s));
    assert.deepEqual([await store.openCells(), await store.trace('a')], [[], null]);
    await write('b', 1000);
    assert.equal((await store.openCells()).length, 1);
    await store.close();
  });
  it('runs what was deferred with the next write, again when that one fails, and at close', () => {
    const database = SqliteDatabase.open(path);
    let runs = 0;
    database.defer(() => { runs += 1; });
    assert.throws(() => database.write(() => { throw new Error('no'); }), /no/);
    assert.equal(runs, 1);
    database.write(() => undefined);
    database.write(() => undefined);
    assert.equal(runs, 2);
    database.defer(() => { runs += 1; });
    database.close();
    assert.equal(runs, 3);
  });
  it('writes what was deferred as soon as there is room again, though nobody writes anything else', () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const database = SqliteDatabase.open(path);
      const insert = database.prepare('INSERT INTO traces (run_id, trace) VALUES (?, ?)');
      database.prepare('PRAGMA max_page_count = 60').get();
      database.defer(() => insert.run('a', 'x'.repeat(1_000_000)));
      clock.tick(10_000);
      const traces = () => database.prepare('SELECT count(*) AS n FROM traces').get()?.['n'];
      assert.equal(traces(), 0);
      database.prepare('PRAGMA max_page_count = 6000').get();
      clock.tick(1000);
      assert.equal(traces(), 1);
      database.close();
      assert.equal(clock.countTimers(), 0);
    } finally {
      clock.restore();
    }
  });
  it('refuses a write within a write', () => {
    const database = SqliteDatabase.open(path);
    assert.throws(() => database.write(() => database.write(() => 1)), /begun within another/);
    assert.equal(database.write(() => 2), 2);
    database.close();
  });
});
