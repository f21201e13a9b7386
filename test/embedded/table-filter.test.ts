import assert from 'node:assert/strict';
import { Calendar } from '../../shared/calendar/calendar.ts';
import { MemoryWarehouse } from '../../shared/embedded/memory-warehouse.ts';
import type { Pipeline } from '../../shared/pipeline/pipeline.ts';
import type { Row, RowSource, Warehouse } from '../../shared/ports/warehouse.ts';
import { claimOf, named, nov15, nov16, type WarehouseUnderTest } from '../contract/warehouse-under-test.ts';
import { makePipeline, type ProcessorSketch } from '../core-builders.ts';
import { openDuckDb } from './duckdb-under-test.ts';

/** Two services that fill one table, and two queries that each read one of them. */

const odds: ProcessorSketch = {
  table: 'raw.odds', key: ['game_id'], columns: { game_date: 'DATE', game_id: 'STRING', source: 'STRING', odds: 'FLOAT64' }, expectations: { min_rows: 1 },
};
const SUMMARY = `SELECT @game_date AS game_date, game_id, source, odds FROM odds WHERE game_date = @game_date`;
const pipeline = makePipeline({
  seasons: [{ name: 'autumn', from: '2023-11-01', to: '2023-11-30' }],
  processors: {
    Espn: { ...odds, table_filter: { column: 'source', equals: "e'spn" } },
    Book: { ...odds, table_filter: { column: 'source', equals: 'book' } },
    Summary: { ...odds, table: 'computed.summary', phase: 'analytics', upstream: [{ processor: 'Espn', window: { days: 2, include_own_date: true } }], target: { embedded: { bigquery_sql: 'sql/summary.sql' }, google: { http: { service: 's' } } } },
    Wrong: { ...odds, table: 'computed.wrong', table_filter: { column: 'source', equals: 'book' }, phase: 'analytics', upstream: [{ processor: 'Espn', window: 'own_date' }], target: { embedded: { bigquery_sql: 'sql/summary.sql' }, google: { http: { service: 's' } } } },
  },
});
const withSql: Pipeline = { ...pipeline, processors: pipeline.processors.map((processor) => ('bigquery_sql' in processor.target ? { ...processor, sql: SUMMARY } : processor)) };
const [espn, book] = [named(pipeline, 'Espn'), named(pipeline, 'Book')];
const calendar = new Calendar(pipeline, []);

function rows(source: string, value: number, date = '2023-11-15'): Row[] {
  return ['A', 'B'].map((game) => ({ game_date: date, game_id: game, source, odds: value }));
}

async function write(warehouse: Warehouse, processor: typeof espn, given: readonly Row[], generation = 1, at = nov15): Promise<string> {
  const staged = await warehouse.stage(claimOf(processor, at, generation), { kind: 'rows', rows: given }, calendar);
  return (await staged.promote('{}')).kind;
}

async function counts(warehouse: Warehouse): Promise<(number | undefined)[]> {
  const coverage = await warehouse.coverage([espn, book], nov15, nov15);
  return [espn, book].map(({ name }) => coverage.get(name)?.get(nov15)?.rows);
}

const openers: readonly (readonly [string, () => Promise<WarehouseUnderTest>])[] = [
  ['DuckDbWarehouse', () => openDuckDb(withSql)],
  ['MemoryWarehouse', async () => {
    const warehouse = new MemoryWarehouse(pipeline);
    return { warehouse, outside: async (processor, day, given) => warehouse.outside(processor, day, given), reopen: () => Promise.reject(new Error('nothing is kept')), dispose: () => warehouse.close() };
  }],
];

for (const [name, open] of openers) {
  describe(`${name}: two processors that fill one table`, () => {
    let subject: WarehouseUnderTest;
    beforeEach(async () => { subject = await open(); });
    afterEach(() => subject.dispose());

    it('are covered, read and replaced by their own rows only', async () => {
      const { warehouse } = subject;
      assert.equal(await write(warehouse, espn, rows("e'spn", 1)), 'promoted');
      assert.deepEqual(await counts(warehouse), [2, undefined]);
      assert.equal(await write(warehouse, book, rows('book', 5)), 'promoted');
      const before = (await warehouse.coverage([book], nov15, nov15)).get('Book')?.get(nov15)?.fingerprint;
      assert.equal(await write(warehouse, espn, rows("e'spn", 2).slice(0, 1), 2), 'promoted');
      assert.deepEqual(await counts(warehouse), [1, 2]);
      assert.equal((await warehouse.coverage([book], nov15, nov15)).get('Book')?.get(nov15)?.fingerprint, before);
      assert.deepEqual((await warehouse.rows(espn, { from: nov15, to: nov15 }, ['source', 'odds'])), [{ source: "e'spn", odds: 2 }]);
      assert.equal(await write(warehouse, espn, rows("e'spn", 2).slice(0, 1), 3), 'unchanged');
      assert.equal(await write(warehouse, espn, [], 4), 'promoted');
      assert.deepEqual(await counts(warehouse), [undefined, 2]);
    });

    it("may not hand over the other's rows", async () => {
      for (const other of ['book', null]) {
        const source: RowSource = { kind: 'rows', rows: [...rows("e'spn", 1), { game_date: '2023-11-15', game_id: 'C', source: other, odds: 1 }] };
        await assert.rejects(subject.warehouse.stage(claimOf(espn, nov15), source, calendar), /row 3 of 3 has source .*allowed is "e'spn", its table_filter/);
      }
    });
  });
}

describe('DuckDbWarehouse: a table that two fill', () => {
  it('keeps rows that are of neither, and tells the coverage of each after it was opened again', async () => {
    let subject = await openDuckDb(withSql);
    try {
      await write(subject.warehouse, espn, rows("e'spn", 1));
      await write(subject.warehouse, book, rows('book', 5));
      await subject.warehouse.outside(`INSERT INTO raw.odds VALUES (DATE '2023-11-15', 'A', NULL, 9), (DATE '2023-11-15', 'A', 'third', 9)`);
      await write(subject.warehouse, espn, rows("e'spn", 3), 2);
      assert.deepEqual(await counts(subject.warehouse), [2, 2]);
      const kept = await subject.warehouse.coverage([espn, book], nov15, nov15);
      const again = await subject.reopen(withSql);
      subject = { ...subject, warehouse: subject.warehouse, dispose: again.dispose };
      assert.deepEqual(await again.warehouse.coverage([espn, book], nov15, nov15), kept);
    } finally {
      await subject.dispose();
    }
  });

  it('gives a query the rows of the one that it names', async () => {
    const subject = await openDuckDb(withSql);
    try {
      await write(subject.warehouse, espn, rows("e'spn", 1));
      await write(subject.warehouse, book, rows('book', 5));
      const summary = withSql.processors.find(({ name }) => name === 'Summary');
      const wrong = withSql.processors.find(({ name }) => name === 'Wrong');
      assert.ok(summary && wrong);
      const inputs = [{ upstream: espn, columns: null, range: { from: nov15, to: nov15 } }];
      const staged = await subject.warehouse.stage(claimOf(summary, nov15), { kind: 'sql', inputs }, calendar);
      assert.equal(staged.coverage.rows, 2);
      await staged.promote('{}');
      assert.deepEqual(await subject.warehouse.rows(summary, { from: nov15, to: nov16 }, ['source']), [{ source: "e'spn" }, { source: "e'spn" }]);
      await assert.rejects(subject.warehouse.stage(claimOf(wrong, nov15), { kind: 'sql', inputs }, calendar), /returned rows with source "e.spn"; allowed is "book", its table_filter/);
    } finally {
      await subject.dispose();
    }
  });
});
