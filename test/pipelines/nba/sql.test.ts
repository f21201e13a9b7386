import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { dayOf, formatDay } from '../../../shared/calendar/day.ts';
import type { WindowRange } from '../../../shared/calendar/window.ts';
import { rowHashSql } from '../../../shared/embedded/duckdb-measure.ts';
import { inputName } from '../../../shared/rows/staged-rows.ts';
import { columnList, quoted, SQL_TYPES } from '../../../shared/embedded/duckdb-values.ts';
import { translateWithInputs } from '../../../shared/embedded/googlesql.ts';
import { fingerprint } from '../../../shared/gaps/fingerprint.ts';
import type { Edge, Processor } from '../../../shared/pipeline/pipeline.ts';
import { builtThrough, FROM, nbaPipeline, openAt } from './built-season.ts';

const THROUGH = '2023-11-10';
const DATES = ['2023-11-03', THROUGH];

const pipeline = nbaPipeline();
const sqlProcessors = pipeline.processors.filter((processor) => processor.sql !== null);

/** What each window covers on each date, and what the engine's own runs left. */
const ranges = new Map<string, WindowRange | null>();
const recorded = new Map<string, string>();
const rangeKey = (edge: Edge, date: string): string => `${edge.reader} ${edge.upstream} ${date}`;

/** The built tables in an attached file of small row groups, so that several threads have work. */
class Tables {
  readonly #connection: DuckDBConnection;
  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  run(sql: string): Promise<unknown> {
    return this.#connection.run(sql);
  }

  threads(count: number): Promise<unknown> {
    return this.run(`SET threads = ${count}`);
  }

  /** Makes `copy.<table>` of every table, or of those that one processor reads, in an order of choice. */
  async copy(order: string, only: Processor | null = null): Promise<void> {
    const read = only && new Set(only.upstreams.map((edge) => edge.upstream));
    for (const { name, output } of pipeline.processors) {
      if (output.kind === 'table' && (read?.has(name) ?? true)) await this.run(`CREATE OR REPLACE TABLE small.copy.${output.table} AS SELECT * FROM built.${output.dataset}.${output.table} ${order}`);
    }
  }

  /** Rows and fingerprint of a processor's query for a date, its inputs cut to their windows as the engine does it. */
  async fingerprint(processor: Processor, date: string): Promise<string> {
    const inputs = processor.upstreams.map((edge) => {
      const upstream = pipeline.byName.get(edge.upstream);
      assert.ok(upstream);
      const range = ranges.get(rangeKey(edge, date));
      const where = range ? `${quoted(upstream.dateColumn)} BETWEEN DATE '${formatDay(range.from)}' AND DATE '${formatDay(range.to)}'` : 'false';
      return { name: inputName(upstream), select: `SELECT ${columnList(edge.columns ?? upstream.fingerprintColumns)} FROM small.copy.${inputName(upstream)} WHERE ${where}` };
    });
    const query = (await translateWithInputs(processor.sql ?? '', inputs)).replaceAll(/\$game_date\b/g, `DATE '${date}'`);
    const columns = processor.columns.map(({ name, type }) => `CAST(${quoted(name)} AS ${SQL_TYPES[type]}) AS ${quoted(name)}`).join(', ');
    const reader = await this.#connection.runAndReadAll(
      `SELECT count(*)::INTEGER, coalesce(sum(hash), 0)::VARCHAR FROM (SELECT ${rowHashSql(processor, processor.fingerprintColumns)}::HUGEINT AS hash FROM (SELECT ${columns} FROM (${query}\n)))`,
    );
    const [row] = reader.getRows();
    return fingerprint(Number(row?.[0]), BigInt(String(row?.[1])));
  }

  /** Rows like those in the windows on dates outside of them: what a query must not be able to see. */
  async addOutside(processor: Processor, date: string): Promise<number> {
    let added = 0;
    for (const edge of processor.upstreams) {
      const upstream = pipeline.byName.get(edge.upstream);
      const range = ranges.get(rangeKey(edge, date));
      assert.ok(upstream?.output.kind === 'table' && range);
      const column = quoted(upstream.dateColumn);
      const others = upstream.columns.filter(({ name }) => name !== upstream.dateColumn).map(({ name }) => quoted(name)).join(', ');
      const length = range.to - range.from + 1;
      for (const shift of [-length, length]) {
        const result = await this.#connection.run(
          `INSERT INTO small.copy.${upstream.output.table} (${column}, ${others}) SELECT ${column} + ${shift}, ${others} FROM built.${upstream.output.dataset}.${upstream.output.table} WHERE ${column} BETWEEN DATE '${formatDay(range.from)}' AND DATE '${formatDay(range.to)}'`,
        );
        added += result.rowsChanged;
      }
    }
    return added;
  }

  async deleteOutside(processor: Processor, date: string): Promise<void> {
    for (const edge of processor.upstreams) {
      const upstream = pipeline.byName.get(edge.upstream);
      const range = ranges.get(rangeKey(edge, date));
      assert.ok(upstream?.output.kind === 'table' && range);
      await this.run(`DELETE FROM small.copy.${upstream.output.table} WHERE ${quoted(upstream.dateColumn)} NOT BETWEEN DATE '${formatDay(range.from)}' AND DATE '${formatDay(range.to)}'`);
    }
  }
}

describe('Every SQL file of the NBA pipeline', function () {
  this.timeout(60_000);
  let folder = '';
  let instance: DuckDBInstance;
  let tables: Tables;

  before(async () => {
    const built = await builtThrough(THROUGH);
    folder = mkdtempSync(join(tmpdir(), 'sbf-sql-'));
    cpSync(built, folder, { recursive: true });
    const opened = await openAt(folder, '2023-11-11');
    try {
      const world = await opened.runtime.engine.refresh(dayOf(FROM), dayOf(THROUGH));
      for (const processor of sqlProcessors) {
        for (const date of DATES) {
          for (const edge of world.processor(processor.name).upstreams) ranges.set(rangeKey(edge, date), world.range(edge, dayOf(date)));
          recorded.set(`${processor.name} ${date}`, world.coverage(world.processor(processor.name), dayOf(date))?.fingerprint ?? 'no rows');
        }
      }
    } finally {
      await opened.close();
    }
    instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    tables = new Tables(connection);
    await tables.run(`ATTACH '${join(folder, 'warehouse.duckdb')}' AS built (READ_ONLY)`);
    await tables.run(`ATTACH '${join(folder, 'small.duckdb')}' AS small (ROW_GROUP_SIZE 2048); CREATE SCHEMA small.copy`);
  });

  after(() => {
    instance.closeSync();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is one of ten', () => assert.equal(sqlProcessors.length, 10));

  it('gives the rows that the engine wrote, again', async () => {
    await tables.copy('');
    for (const processor of sqlProcessors) {
      for (const date of DATES) {
        const found = await tables.fingerprint(processor, date);
        assert.equal(found, recorded.get(`${processor.name} ${date}`), `${processor.name} ${date}`);
        assert.ok(Number(found.split(':')[0]) > 0, `${processor.name} ${date} has rows`);
      }
    }
  });

  for (const [seed, threads] of [[1, 1], [2, 8], [3, 8]] as const) {
    it(`gives the same fingerprint with shuffled input (seed ${seed}) on ${threads} thread${threads === 1 ? '' : 's'}`, async () => {
      await tables.threads(threads);
      await tables.copy(`AS shuffled ORDER BY md5(shuffled::VARCHAR || '${seed}')`);
      for (const processor of sqlProcessors) {
        for (const date of DATES) assert.equal(await tables.fingerprint(processor, date), recorded.get(`${processor.name} ${date}`), `${processor.name} ${date}`);
      }
    });
  }

  for (const processor of sqlProcessors) {
    it(`gives the same rows with all rows outside its windows deleted, and with others there: ${processor.name}`, async () => {
      await tables.threads(2);
      for (const date of DATES) {
        await tables.copy('', processor);
        await tables.deleteOutside(processor, date);
        assert.equal(await tables.fingerprint(processor, date), recorded.get(`${processor.name} ${date}`), `${date}, deleted`);
        assert.ok(await tables.addOutside(processor, date) > 0, 'there are rows outside');
        assert.equal(await tables.fingerprint(processor, date), recorded.get(`${processor.name} ${date}`), `${date}, others`);
      }
    });
  }
});
